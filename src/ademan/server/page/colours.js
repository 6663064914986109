// Which class has which of the colours of style.css: 1 to COUNT, or 0 for those that have none, and for idle.

export const COUNT = 6;

export class Colours {
  #of = new Map();
  #fixed = false;

  // A few classes keep their colours for good.
  begin(labels, idle) {
    const gestures = labels.filter((label) => label !== idle);
    this.#fixed = gestures.length <= COUNT;
    this.#of = new Map(this.#fixed ? gestures.map((label, i) => [label, i + 1]) : []);
  }

  // Of many, the strongest have colours, as long as they are among them.
  give(strongest) {
    if (this.#fixed) return;
    for (const label of this.#of.keys()) if (!strongest.includes(label)) this.#of.delete(label);
    const taken = new Set(this.#of.values());
    const free = Array.from({ length: COUNT }, (_, i) => i + 1).filter((colour) => !taken.has(colour));
    for (const label of strongest) if (!this.#of.has(label) && free.length) this.#of.set(label, free.shift());
  }

  of(label) {
    return this.#of.get(label) ?? 0;
  }
}
