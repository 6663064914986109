// What goes on now, large; and spoken by screen readers when a gesture begins, not with every prediction.

import { $, say } from "./element.js";
import { redraw } from "./paint.js";
import { percent, seconds } from "./words.js";

const BREATH_MS = 1500;

export class Now {
  #gesture = null;
  #since = 0;
  #last = null;
  #why = "";
  #spoken = 0;
  #timer = 0;

  show(prediction) {
    if (prediction.gesture !== this.#gesture) {
      this.#gesture = prediction.gesture;
      this.#since = prediction.time_ms;
    }
    this.#last = prediction;
    redraw(this.#draw);
  }

  // why: there is nothing.
  clear(why) {
    this.#why = why;
    this.#gesture = this.#last = null;
    clearTimeout(this.#timer);
    redraw(this.#draw);
  }

  began(event) {
    clearTimeout(this.#timer);
    const wait = Math.max(0, this.#spoken + BREATH_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#spoken = performance.now();
      $("announcer").textContent = `${event.label}, ${percent(event.confidence)}`;
    }, wait);
  }

  #draw = () => {
    const [last, gesture] = [this.#last, this.#gesture];
    const on = gesture !== null;
    $("now").classList.toggle("on", on);
    $("now").classList.toggle("long", on && gesture.length > 12);
    say($("now-label"), on ? gesture : "Nothing");
    say($("now-confidence"), on ? percent(last.probabilities[gesture] ?? last.confidence) : "");
    say($("now-under"), on ? `for ${seconds(last.time_ms - this.#since)}` : last ? likely(last) : this.#why);
  };
}

function likely(prediction) {
  return prediction.label ? `most likely ${prediction.label}, ${percent(prediction.confidence)}` : "nobody is seen";
}
