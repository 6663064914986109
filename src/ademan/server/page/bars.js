// A bar for each class. Of many classes, the strongest have places that they keep; the others are folded away.

import { $, element, labelled, say, show } from "./element.js";
import { percent } from "./words.js";

const MOST = 8;
const MEMORY = 0.97; // of one prediction for the next: who was strong lately keeps a place for some seconds

class Row {
  constructor(label) {
    this.fill = element("i");
    this.value = element("span", { className: "value" });
    const track = element("span", { className: "track", ariaHidden: "true" }, this.fill);
    this.item = element("li", {}, labelled("span", label, "name"), track, this.value);
  }

  set(share, accept, colour) {
    this.fill.style.transform = `scaleX(${share.toFixed(3)})`;
    this.item.dataset.colour = colour;
    this.item.classList.toggle("reached", share >= accept);
    say(this.value, percent(share));
  }
}

export class Bars {
  #rows = new Map();
  #lately = new Map();
  #places = [];

  constructor(list, colours) {
    this.list = list;
    this.colours = colours;
  }

  // shares: [label, share] in the order of the bundle.
  show(shares, accept) {
    if (shares.length !== this.#rows.size || shares.some(([label]) => !this.#rows.has(label))) this.#begin(shares);
    for (const list of [this.list, this.rest]) list?.style.setProperty("--accept", accept);
    this.#place(shares);
    for (const [label, share] of shares) this.#rows.get(label).set(share, accept, this.colours.of(label));
  }

  #begin(shares) {
    this.#rows = new Map(shares.map(([label]) => [label, new Row(label)]));
    this.#lately.clear();
    this.#places = shares.slice(0, MOST).map(([label]) => label);
    this.#lay();
  }

  #place(shares) {
    if (shares.length <= MOST) return;
    for (const [label, share] of shares) {
      this.#lately.set(label, Math.max(share, MEMORY * (this.#lately.get(label) ?? 0)));
    }
    const best = new Set([...this.#lately].sort((a, b) => b[1] - a[1]).slice(0, MOST).map(([label]) => label));
    if (this.#places.every((label) => best.has(label))) return;
    const coming = [...best].filter((label) => !this.#places.includes(label));
    this.#places = this.#places.map((label) => (best.has(label) ? label : coming.shift()));
    this.#lay();
  }

  #lay() {
    this.list.replaceChildren(...this.#places.map((label) => this.#rows.get(label).item));
    const rest = [...this.#rows].filter(([label]) => !this.#places.includes(label));
    this.rest?.replaceChildren(...rest.map(([, row]) => row.item));
    this.onRest?.(rest.length);
  }
}

// The bars of the live part, with those folded away below.
export function liveBars(colours) {
  const bars = new Bars($("bars"), colours);
  bars.rest = $("rest");
  bars.onRest = (count) => {
    show($("more"), count > 0);
    say($("more-text"), `${count} weaker ${count === 1 ? "class" : "classes"}`);
  };
  return bars;
}

// The bars of one answer: the strongest first, and no more of them than say something.
export function sortedBars(list, probabilities, accept) {
  const shares = Object.entries(probabilities).sort((a, b) => b[1] - a[1]).slice(0, MOST);
  list.style.setProperty("--accept", accept);
  list.replaceChildren(
    ...shares.map(([label, share], i) => {
      const row = new Row(label);
      row.set(share, accept, i === 0 ? 1 : 0);
      return row.item;
    }),
  );
}
