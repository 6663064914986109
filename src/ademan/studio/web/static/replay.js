/** Recorded points that move again, at the speed at which they were recorded. */

import { extent, Figure } from "/static/figure.js";
import { text } from "/static/texts.js";

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const REST_MS = 500; // at the end, before it begins anew
const FRAME_MS = 40; // of a clip that has a single one

/** Show a clip on a canvas, over and over. Where less motion is asked for, it waits to be started.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {object} shape as for Figure
 * @param {{points: ([number, number] | null)[][], times_ms: number[], width: number, height: number}} clip
 * @param {object} [options]
 * @param {boolean} [options.mirrored] as in a mirror
 * @param {boolean} [options.close] show only the part of the picture in which something moves
 * @param {boolean} [options.start] begin at once; by default, unless less motion is asked for
 * @param {boolean | null} [options.controls] a button and a slider below the canvas; by default, if it does not begin at
 *   once
 * @returns {{play(): void, pause(): void, stop(): void, seek(ms: number): void, step(frames: number): void,
 *   playing: boolean}} stop: for good, nothing of it is left
 */
export function replay(canvas, shape, clip, { mirrored = false, close = false, start, controls = null } = {}) {
  const player = new Player(canvas, shape, clip, { mirrored, close });
  const begins = start ?? !STILL.matches;
  if (controls ?? !begins) player.show(new Controls(player, canvas));
  player.seek(begins ? 0 : player.lengthMs / 2);
  if (begins) player.play();
  return player;
}

class Player {
  #controls = null;
  #request = 0;
  #before = null;
  #now = 0;
  #frame = -1;

  constructor(canvas, shape, clip, { mirrored, close }) {
    this.clip = clip;
    this.figure = new Figure(canvas, shape, { mirrored });
    this.view = close ? extent(clip.points) : undefined;
    this.times = clip.times_ms.map((ms) => ms - clip.times_ms[0]);
    const last = this.times.at(-1) ?? 0;
    this.lengthMs = last + (this.times.length > 1 ? last / (this.times.length - 1) : FRAME_MS);
  }

  get playing() {
    return this.#request !== 0;
  }

  get now() {
    return Math.min(this.#now, this.lengthMs);
  }

  show(controls) {
    this.#controls = controls;
  }

  play() {
    if (this.playing || this.times.length === 0) return;
    this.#before = null;
    this.#request = requestAnimationFrame((at) => this.#go(at));
    this.#controls?.follow();
  }

  pause() {
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    this.#controls?.follow();
  }

  stop() {
    this.pause();
    this.#controls?.remove();
    this.#controls = null;
    this.figure.clear();
    this.figure.close();
  }

  seek(ms) {
    this.#now = Math.min(Math.max(ms, 0), this.lengthMs);
    this.#draw();
  }

  step(frames) {
    this.pause();
    const i = Math.min(Math.max(this.#frame + frames, 0), this.times.length - 1);
    this.seek(this.times[i] ?? 0);
  }

  #go(at) {
    this.#now += this.#before === null ? 0 : Math.min(at - this.#before, 1000);
    this.#before = at;
    if (this.#now >= this.lengthMs + REST_MS) this.#now = 0;
    this.#draw();
    this.#request = requestAnimationFrame((next) => this.#go(next));
  }

  #draw() {
    const frame = this.#frameAt(this.#now);
    if (frame !== this.#frame) {
      this.#frame = frame;
      const { width, height } = this.clip;
      this.figure.draw(this.clip.points[frame] ?? null, { picture: { width, height }, view: this.view });
    }
    this.#controls?.follow();
  }

  /** Return the last frame that had come by then. */
  #frameAt(ms) {
    let [low, high] = [0, this.times.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.times[middle] <= ms + 1e-3) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Button, slider and time of a player; space plays and pauses, arrows step by one frame. */
class Controls {
  constructor(player, canvas) {
    this.player = player;
    this.root = document.createElement("div");
    this.root.className = "replay";
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.addEventListener("click", () => (player.playing ? player.pause() : player.play()));
    this.slider = document.createElement("input");
    Object.assign(this.slider, { type: "range", min: 0, max: Math.round(player.lengthMs), step: 1, value: 0 });
    this.slider.setAttribute("aria-label", text("replay.place"));
    this.slider.addEventListener("input", () => {
      player.pause();
      player.seek(this.slider.valueAsNumber);
    });
    this.time = document.createElement("span");
    this.time.className = "number quiet";
    this.root.append(this.button, this.slider, this.time);
    this.root.addEventListener("keydown", (event) => this.#pressed(event));
    canvas.after(this.root);
    this.follow();
  }

  follow() {
    const words = text(this.player.playing ? "replay.pause" : "replay.play");
    if (this.button.textContent !== words) this.button.textContent = words;
    const now = this.player.now;
    const told = text("replay.at", { now: (now / 1000).toFixed(1), all: (this.player.lengthMs / 1000).toFixed(1) });
    this.slider.value = Math.round(now);
    if (this.time.textContent === told) return;
    this.time.textContent = told;
    this.slider.setAttribute("aria-valuetext", told);
  }

  remove() {
    this.root.remove();
  }

  #pressed(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in steps) this.player.step(steps[event.key]);
    else if (event.key === "Home") this.player.step(-Infinity);
    else if (event.key === "End") this.player.step(Infinity);
    else if (event.key === " " && event.target === this.slider) this.button.click();
    else return;
    event.preventDefault();
  }
}
