// The camera's state in words, starting and stopping it, and its two settings.

import { ask } from "./api.js";
import { $, say, show } from "./element.js";
import { isNumber, percent, seconds } from "./words.js";

const WORDS = { off: "Stopped", starting: "Starting", running: "Running", lost: "Camera lost", ended: "Ended" };
const OVER = {
  off: ["Stopped", "Nobody is watched. Press Start to go on."],
  starting: ["Starting", "The camera is being opened."],
  lost: ["The camera is lost", "It is tried again every second, and comes back by itself."],
  away: ["No answer", "What is shown here is no longer live."],
  ended: ["The recording is over", "Press Start to see it again."],
};
const SETTLE_MS = 250;

export class Bridge {
  #status = null;
  #seen = true;

  constructor({ onStatus, onRefused, onAccept }) {
    Object.assign(this, { onStatus, onRefused });
    this.settings = [
      new Setting("accept", "accept", percent, this, onAccept),
      new Setting("cooldown", "cooldown_ms", seconds, this),
    ];
    $("toggle").addEventListener("click", () => this.#toggle());
  }

  show(status) {
    this.#status = status;
    const { state, camera, fps, latency_ms: latency, listeners, config } = status;
    this.say(state, camera === null ? "No camera" : (WORDS[state] ?? state));
    const running = state === "running";
    say($("fps"), running && isNumber(fps) ? fps.toFixed(1) : "–");
    say($("latency"), running && isNumber(latency) ? `${latency.toFixed(0)}\u00a0ms` : "–");
    if (isNumber(listeners)) say($("listeners"), String(listeners));
    say($("toggle"), this.#stopped() ? "Start" : "Stop");
    $("toggle").classList.toggle("main", this.#stopped());
    for (const setting of this.settings) setting.follow(config?.[setting.name]);
    this.#over();
  }

  away() {
    this.say("away", "No answer");
    for (const id of ["fps", "latency", "listeners"]) say($(id), "–");
    this.#lay("away", ...OVER.away);
  }

  // Says the state in the head of the page.
  say(state, text) {
    $("state").dataset.state = state;
    say($("state-text"), text);
  }

  // Whether anybody is before the camera.
  setSeen(seen) {
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#over();
  }

  #stopped() {
    return ["off", "ended"].includes(this.#status.state);
  }

  #over() {
    if (!this.#status) return;
    const { state, message } = this.#status;
    const nobody = ["Nobody is seen", "Step before the camera, with your hands in the picture."];
    const [title, text] = OVER[state] ?? (this.#seen ? ["", ""] : nobody);
    this.#lay(state, title, state === "lost" && message ? `${message} ${text}` : text);
  }

  // Says over the picture why there is nothing in it.
  #lay(state, title, text) {
    show($("over"), title !== "");
    $("over").dataset.state = state;
    say($("over-title"), title);
    say($("over-text"), text);
  }

  async #toggle() {
    $("toggle").disabled = true;
    await this.post(`api/inference/${this.#stopped() ? "start" : "stop"}`, {}, $("bridge-problem"));
    $("toggle").disabled = false;
  }

  // Returns whether the server did it; if not, why stands in `problem`.
  async post(path, body, problem) {
    try {
      this.onStatus(await ask(path, body));
      say(problem, "");
      return true;
    } catch (error) {
      say(problem, `Not done: ${error.message}`);
      this.onRefused(error);
      return false;
    }
  }
}

// A slider that tells the server when it has settled, and follows the server when somebody else moves it.
class Setting {
  #timer = 0;
  #busy = false;
  #server = null;

  constructor(id, name, words, bridge, onMove = () => {}) {
    Object.assign(this, { name, words, bridge, onMove, input: $(id), output: $(`${id}-value`) });
    this.input.addEventListener("input", () => this.#moved());
  }

  get value() {
    return this.input.valueAsNumber;
  }

  follow(value) {
    if (!isNumber(value)) return;
    this.#server = value;
    if (this.#busy) return;
    if (value > Number(this.input.max)) this.input.max = value;
    this.input.value = value;
    this.#say(value);
  }

  #say(value) {
    say(this.output, this.words(value));
    this.input.setAttribute("aria-valuetext", this.words(value));
    this.onMove(value);
  }

  #moved() {
    this.#busy = true;
    this.#say(this.value);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), SETTLE_MS);
  }

  async #send() {
    const sent = this.value;
    await this.bridge.post("api/config", { [this.name]: sent }, $("config-problem"));
    if (this.value !== sent) return; // moved on meanwhile: it will be sent again
    this.#busy = false;
    this.follow(this.#server);
  }
}
