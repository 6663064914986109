/** What one sees while a recording goes on: large words over the picture, the clip that was taken, what went wrong. */

import { Figure } from "/static/figure.js";
import { replay } from "/static/replay.js";
import { text } from "/static/texts.js";

const byId = (id) => document.getElementById(id);

/** The view of a Session. */
export class Stage {
  #shape = null;
  #figure = null;
  #player = null;
  #said = "";
  #sound = null;

  constructor() {
    this.root = byId("stage");
    this.view = byId("view");
    this.video = byId("camera");
    this.isMirrored = true;
  }

  /** Show the stage, and let it beep if that is wished; to be called when a button was pressed. */
  open(beeps) {
    this.root.hidden = false;
    this.root.focus();
    this.#sound = beeps ? new AudioContext() : null;
    this.paused([]);
    this.#state("wait");
  }

  close() {
    this.#player?.stop();
    this.#player = null;
    this.#sound?.close();
    this.#sound = null;
    this.root.hidden = true;
  }

  set shape(shape) {
    this.#shape = shape;
    this.#figure ??= new Figure(byId("over"), shape);
    this.#figure.shape = shape;
    this.#figure.mirrored = this.isMirrored;
  }

  /** Whether one sees oneself as in a mirror. */
  set mirrored(mirrored) {
    this.isMirrored = mirrored;
    this.view.classList.toggle("mirrored", mirrored);
    if (this.#figure) this.#figure.mirrored = mirrored;
  }

  /** Draw what is seen now over the picture. */
  points(points) {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (width) this.view.style.setProperty("--aspect", width / height);
    this.#figure?.draw(points, width ? { picture: { width, height } } : {});
  }

  countdown(prompt, left) {
    this.#state("count");
    this.#word(prompt);
    byId("count").textContent = left;
    this.#say(text("session.show", { label: this.#name(prompt), count: left }), left);
    this.#beep(660, 0.08);
  }

  recording(prompt, share) {
    if (share === 0) {
      this.#state("take");
      this.#word(prompt);
      this.#say(text("session.now", { label: this.#name(prompt) }));
      this.#beep(990, 0.25);
    }
    byId("take").value = share;
  }

  waiting() {
    this.#state("wait");
    this.#say(text("session.taken"));
    this.#beep(440, 0.15);
  }

  review(clip, prompt) {
    this.#player?.stop();
    this.#state("review");
    this.#player = replay(byId("again"), this.#shape, clip, { mirrored: this.isMirrored });
    const guess = clip.guess;
    const share = guess && Math.round(guess.confidence * 100);
    byId("guess").textContent = guess ? text("session.guess", { label: guess.label, percent: share }) : "";
    this.#say(text("session.decide", { label: this.#name(prompt) }));
    byId("keep").focus();
  }

  /** Take away the clip about which was decided. */
  decided() {
    this.#state("wait");
  }

  /** Say in how many seconds a clip is kept by itself. */
  left(seconds) {
    byId("auto").textContent = seconds ? text("session.left", { seconds }) : "";
  }

  /** Say why a clip was not taken, or not kept. */
  refused(error) {
    if (error.again && this.view.dataset.state !== "pause") this.#state("wait");
    byId("trouble").hidden = false;
    byId("trouble").querySelector("p").textContent = error.message;
  }

  done(count, all) {
    Object.assign(byId("done"), { value: count, max: all });
    byId("done-text").textContent = text("session.done", { count, all });
  }

  paused(why) {
    const words = { camera: "session.opening", lost: "session.lost", hidden: "session.hidden", user: "session.paused" };
    const first = Object.keys(words).find((one) => why.includes(one));
    byId("pause").textContent = text(why.includes("user") ? "session.resume" : "session.pause");
    if (this.view.dataset.state === "review") return; // the question stays
    if (first) this.#state("pause");
    byId("word").textContent = first ? text(words[first]) : "";
    if (first) this.#say(text(words[first]));
  }

  /** Say over the picture what keeps the recording from beginning. */
  tell(words) {
    this.#state("pause");
    byId("word").textContent = words;
    this.#say(words);
  }

  #state(state) {
    if (this.view.dataset.state === "review" && state !== "review") {
      this.#player?.stop();
      this.#player = null;
      if (byId("decide").contains(document.activeElement)) this.root.focus({ preventScroll: true });
    }
    this.view.dataset.state = state;
    byId("decide").hidden = state !== "review";
    byId("light").hidden = byId("take").hidden = state !== "take";
    for (const id of ["word", "note", "count"]) byId(id).textContent = "";
    if (state === "take" || state === "count") byId("trouble").hidden = true;
  }

  #word(prompt) {
    byId("word").textContent = this.#name(prompt);
    byId("note").textContent = prompt.idle ? text("session.idle_how") : prompt.note;
  }

  #name(prompt) {
    return prompt.idle ? text("session.anything") : prompt.name;
  }

  /** Have screen readers say something; of a countdown, its beginning alone. */
  #say(words, left = 0) {
    const what = left ? byId("word").textContent : words;
    if (what === this.#said) return;
    this.#said = what;
    byId("said").textContent = words;
  }

  #beep(hertz, seconds) {
    if (!this.#sound) return;
    const [tone, volume] = [this.#sound.createOscillator(), this.#sound.createGain()];
    tone.frequency.value = hertz;
    volume.gain.value = 0.15;
    tone.connect(volume).connect(this.#sound.destination);
    tone.start();
    tone.stop(this.#sound.currentTime + seconds);
  }
}
