/** Something to do for whoever tries a model: its gestures one after the other, each ticked when it is recognised. */

import { text } from "/static/texts.js";

export class Task {
  #parts;
  #gestures = [];
  #done = new Set();
  #at = 0;

  /** @param {{panel: HTMLElement, wanted: HTMLElement, note: HTMLElement, ticks: HTMLElement}} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Ask for other gestures; what was shown of them stays ticked.
   * @param {{name: string, note: string}[]} gestures
   */
  set(gestures) {
    this.#gestures = gestures;
    this.#parts.panel.hidden = gestures.length === 0;
    this.#done = new Set(gestures.map(({ name }) => name).filter((name) => this.#done.has(name)));
    this.#at = Math.min(this.#at, Math.max(0, gestures.length - 1));
    this.#show();
  }

  begin() {
    this.#done.clear();
    this.#at = 0;
    this.#show();
  }

  skip() {
    this.#next();
    this.#show();
  }

  /** Tick a gesture that was recognised; return whether it was the one that is asked for. */
  shown(name) {
    if (!this.#gestures.some((gesture) => gesture.name === name) || this.#done.has(name)) return false;
    const isWanted = this.#gestures[this.#at].name === name;
    this.#done.add(name);
    if (isWanted) this.#next();
    this.#show();
    return isWanted;
  }

  #next() {
    for (let step = 1; step <= this.#gestures.length; step += 1) {
      const place = (this.#at + step) % this.#gestures.length;
      if (!this.#done.has(this.#gestures[place].name)) {
        this.#at = place;
        return;
      }
    }
  }

  #show() {
    const { wanted, note, ticks } = this.#parts;
    const gesture = this.#gestures[this.#at];
    const isOver = this.#gestures.length > 0 && this.#gestures.every(({ name }) => this.#done.has(name));
    const words = !gesture ? "" : isOver ? text("try.task_done") : text("try.show", { label: gesture.name });
    if (wanted.textContent !== words) wanted.textContent = words;
    note.textContent = isOver ? "" : (gesture?.note ?? "");
    ticks.replaceChildren(...this.#gestures.map((one) => this.#tick(one.name)));
  }

  #tick(name) {
    const item = document.createElement("li");
    const isDone = this.#done.has(name);
    item.className = isDone ? "tag good" : "tag";
    item.textContent = name;
    item.dir = "auto";
    if (isDone) {
      const said = document.createElement("span");
      said.className = "unseen";
      said.textContent = ` ${text("try.ticked")}`;
      item.append(said);
    }
    return item;
  }
}
