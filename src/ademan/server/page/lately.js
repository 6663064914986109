// What was recognised lately: one row a gesture, the newest first.

import { $, element, labelled, show } from "./element.js";
import { redraw } from "./paint.js";
import { percent, seconds, timeOfDay } from "./words.js";

const MOST = 50;

const name = ({ event, label, at, time_ms: time }) => JSON.stringify([event, label, at, time]);

export class Lately {
  #events = []; // as the server tells them
  #heard = []; // of them, those that came by themselves since fill() was last called

  #goesOn = false; // the last one, as far as is known

  // recent: all that happened of late; some of it may have been heard already.
  fill(recent) {
    const known = new Set(recent.map(name));
    const more = this.#heard.filter((event) => !known.has(name(event)));
    this.#events = [...recent, ...more].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
    this.#heard = [];
    this.#goesOn = this.#events.at(-1)?.event === "began";
    redraw(this.#draw);
  }

  // Nobody watches any more: a gesture that went on may have ended.
  stop() {
    this.#goesOn = false;
    redraw(this.#draw);
  }

  add(event) {
    for (const events of [this.#events, this.#heard]) {
      events.push(event);
      events.splice(0, events.length - 2 * MOST);
    }
    this.#goesOn = event.event === "began";
    redraw(this.#draw);
  }

  #draw = () => {
    const gestures = this.#gestures().slice(-MOST).reverse();
    const rows = gestures.map((gesture, i) => row(gesture, i === 0 && this.#goesOn));
    $("lately").replaceChildren(...rows);
    show($("lately-empty"), rows.length === 0);
    show($("lately-scroll"), rows.length > 0);
  };

  #gestures() {
    const gestures = [];
    for (const event of this.#events) {
      if (event.event === "began") gestures.push({ began: event, ended: null });
      const open = gestures.at(-1);
      if (event.event === "ended" && open?.began.label === event.label) open.ended = event;
    }
    return gestures;
  }
}

function row({ began, ended }, goesOn) {
  const lasted = ended ? seconds(ended.time_ms - began.time_ms) : goesOn ? "now" : "–";
  return element(
    "tr",
    { className: goesOn ? "on" : "" },
    element("td", { text: timeOfDay(new Date(began.at)), className: "time" }),
    labelled("td", began.label, "name"),
    element("td", { text: lasted, className: "number" }),
    element("td", { text: percent((ended ?? began).confidence), className: "number" }),
  );
}
