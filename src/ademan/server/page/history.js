// Confidence over the last 30 seconds: a line for each of the strongest classes, and when gestures went on.

import { COUNT } from "./colours.js";
import { element, labelled } from "./element.js";
import { blank, colour, font, keepDrawn, redraw } from "./paint.js";

const SPAN_MS = 30_000;
const MOST_SAMPLES = 1000;
const GAP_MS = 1500;
const LEAST_PEAK = 0.1;
const DASHES = [[2, 4], [], [], [], [7, 3], [2, 3], [9, 3, 2, 3]]; // by colour, for those who cannot tell colours apart
const AXIS = { left: 44, right: 10, top: 20, bottom: 22 };

export class History {
  #labels = [];
  #samples = []; // {at, values (in the order of labels), gesture}
  #accept = null;
  #named = "";

  constructor(canvas, legend, colours) {
    Object.assign(this, { canvas, legend, colours, idle: null });
    keepDrawn(canvas, this.#draw);
  }

  add(at, shares, accept, gesture) {
    const labels = shares.map(([label]) => label);
    if (labels.length !== this.#labels.length || labels.some((label, i) => label !== this.#labels[i])) {
      this.#labels = labels;
      this.#samples = [];
    }
    this.#accept = accept;
    this.#samples.push({ at, values: Float32Array.from(shares, ([, share]) => share), gesture });
    const old = this.#samples.findIndex((sample) => sample.at >= at - SPAN_MS);
    this.#samples.splice(0, Math.max(old, this.#samples.length - MOST_SAMPLES));
    this.colours.give(this.#strongest().filter((label) => label !== this.idle));
    redraw(this.#draw);
  }

  clear() {
    this.#samples = [];
    redraw(this.#draw);
  }

  #strongest() {
    const peak = (k) => this.#samples.reduce((best, { values }) => Math.max(best, values[k]), 0);
    const peaks = this.#labels.map((label, k) => [label, peak(k)]);
    const worth = peaks.filter(([, best]) => best >= LEAST_PEAK).sort((a, b) => b[1] - a[1]).map(([label]) => label);
    const gestures = worth.filter((label) => label !== this.idle).slice(0, COUNT);
    return worth.includes(this.idle) ? [...gestures, this.idle] : gestures;
  }

  #draw = () => {
    const sheet = blank(this.canvas);
    if (!sheet) return;
    const { context, width, height } = sheet;
    const now = this.#samples.at(-1)?.at ?? 0;
    const x = (at) => AXIS.left + (1 - (now - at) / SPAN_MS) * (width - AXIS.left - AXIS.right);
    const y = (share) => AXIS.top + (1 - share) * (height - AXIS.top - AXIS.bottom);
    this.#axes(context, x, y, now, width);
    if (this.#samples.length === 0) this.#empty(context, width, y(0.5));
    context.save();
    context.beginPath();
    context.rect(AXIS.left, 0, width - AXIS.left - AXIS.right + 1, height);
    context.clip();
    this.#gestures(context, x, y);
    const strongest = this.#strongest();
    for (const label of strongest.toReversed()) this.#line(context, x, y, label);
    context.restore();
    this.#name(this.#labels.filter((label) => strongest.includes(label)));
  };

  #axes(context, x, y, now, width) {
    context.font = font(12);
    context.fillStyle = colour("muted");
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const share of [0, 0.5, 1]) {
      context.strokeStyle = colour("line");
      this.#level(context, y(share), width);
      context.fillText(`${100 * share}\u2009%`, AXIS.left - 8, y(share));
    }
    context.textBaseline = "top";
    for (const s of [30, 20, 10, 0]) {
      context.textAlign = s === 30 ? "left" : s === 0 ? "right" : "center";
      context.fillText(s === 0 ? "now" : `−${s}\u2009s`, x(now - 1000 * s), y(0) + 6);
    }
    if (this.#accept === null) return;
    context.setLineDash([4, 4]);
    context.strokeStyle = colour("mark");
    this.#level(context, y(this.#accept), width);
    context.setLineDash([]);
  }

  #empty(context, width, middle) {
    const text = "Begins with the first prediction";
    context.font = font(14);
    context.textAlign = "center";
    context.textBaseline = "middle";
    const wide = context.measureText(text).width + 24;
    context.clearRect((width - wide) / 2, middle - 12, wide, 24);
    context.fillText(text, width / 2, middle);
  }

  #level(context, at, width) {
    const crisp = Math.round(at) + 0.5;
    context.beginPath();
    context.moveTo(AXIS.left, crisp);
    context.lineTo(width - AXIS.right, crisp);
    context.stroke();
  }

  // A tinted span for each time that a gesture went on, with its name where there is room.
  #gestures(context, x, y) {
    const spans = [];
    for (const { at, gesture } of this.#samples) {
      const last = spans.at(-1);
      if (last?.gesture === gesture && at - last.end < GAP_MS) last.end = at;
      else spans.push({ gesture, begin: at, end: at });
    }
    context.font = font(12, 600);
    context.textBaseline = "top";
    context.textAlign = "left";
    for (const { gesture, begin, end } of spans) {
      if (gesture === null) continue;
      const [left, right] = [x(begin), Math.max(x(end), x(begin) + 2)];
      context.fillStyle = colour(`colour${this.colours.of(gesture)}`);
      context.globalAlpha = 0.12;
      context.fillRect(left, y(1), right - left, y(0) - y(1));
      context.globalAlpha = 1;
      context.fillRect(left, y(0) - 3, right - left, 3);
      context.fillStyle = colour("ink");
      if (context.measureText(gesture).width <= right - left + 4) context.fillText(gesture, left, 2);
    }
  }

  #line(context, x, y, label) {
    const k = this.#labels.indexOf(label);
    const number = this.colours.of(label);
    context.strokeStyle = colour(`colour${number}`);
    context.lineWidth = number === 0 ? 1.5 : 2;
    context.lineJoin = "round";
    context.setLineDash(DASHES[number]);
    context.beginPath();
    let before = -Infinity;
    for (const { at, values } of this.#samples) {
      if (at - before > GAP_MS) context.moveTo(x(at), y(values[k]));
      else context.lineTo(x(at), y(values[k]));
      before = at;
    }
    context.stroke();
    context.setLineDash([]);
  }

  #name(labels) {
    const named = JSON.stringify(labels.map((label) => [label, this.colours.of(label)]));
    if (named === this.#named) return;
    this.#named = named;
    const dashes = element("i", { className: "swatch threshold" });
    const threshold = element("li", {}, dashes, element("span", { text: "threshold" }));
    const items = labels.map((label) => {
      const item = element("li", {}, element("i", { className: "swatch" }), labelled("span", label));
      item.dataset.colour = this.colours.of(label);
      return item;
    });
    this.legend.replaceChildren(...items, ...(items.length ? [threshold] : []));
  }
}
