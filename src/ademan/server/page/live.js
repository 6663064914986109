// The live part: what the bridge tells goes to those who show it.

import { liveBars } from "./bars.js";
import { Bridge } from "./bridge.js";
import { Colours } from "./colours.js";
import { $, say } from "./element.js";
import { History } from "./history.js";
import { Lately } from "./lately.js";
import { forGood } from "./memory.js";
import { Now } from "./now.js";
import { redraw } from "./paint.js";
import { Picture } from "./skeleton.js";

const UNSEEN_MS = 1500;
const WAITING = "waiting for the camera";
const WHY = { off: "nobody is watched", ended: "the recording is over", starting: WAITING, lost: WAITING };
const MIRRORED = "ademan.mirror";

export class Live {
  #labels = []; // of the camera's bundle, in its order
  #shares = []; // [label, share], of the last prediction
  #accept = 0.5;
  #unseenTimer = 0;

  // onStatus: with each status that the bridge gives; onRefused: with the reason why it did not do what it was asked.
  constructor({ onStatus, onRefused }) {
    const colours = (this.colours = new Colours());
    this.onStatus = onStatus;
    this.now = new Now();
    this.bars = liveBars(colours);
    this.history = new History($("history"), $("legend"), colours);
    this.lately = new Lately();
    this.picture = new Picture($("picture"));
    this.bridge = new Bridge({
      onStatus,
      onRefused,
      onAccept: (accept) => {
        this.#accept = accept;
        redraw(this.#drawBars);
      },
    });
    this.#keepMirror($("mirror"));
  }

  // of: the bundle's name, where there are several.
  enter(of, skeleton, { labels, idle }) {
    say($("classes-of"), of ? ` of ${of}` : "");
    if (labels.join("\n") !== this.#labels.join("\n")) {
      this.#labels = labels;
      this.history.idle = idle;
      this.colours.begin(labels, idle);
    }
    this.picture.setSkeleton(skeleton);
  }

  hear(kind, data) {
    if (kind === "status") this.onStatus(data);
    else if (kind === "gesture_prediction") this.#predicted(data);
    else if (kind === "gesture") this.#happened(data);
    else if (kind === "points") this.#saw(data);
  }

  show(status) {
    this.bridge.show(status);
    if (status.state !== "running") this.forget(WHY[status.state]);
  }

  // The server does not answer.
  away() {
    this.bridge.away();
    this.forget();
  }

  // What was seen is over, and must not look as if it went on.
  forget(why = "waiting for the server") {
    clearTimeout(this.#unseenTimer);
    this.#unseenTimer = 0;
    this.#shares = this.#labels.map((label) => [label, 0]);
    this.now.clear(why);
    this.lately.stop();
    this.picture.clear();
    redraw(this.#drawBars);
  }

  #drawBars = () => this.bars.show(this.#shares, this.#accept);

  #predicted(prediction) {
    const { probabilities, gesture } = prediction;
    const known = this.#labels.filter((label) => Object.hasOwn(probabilities, label));
    this.#shares = known.map((label) => [label, probabilities[label]]);
    this.history.add(performance.now(), this.#shares, this.#accept, gesture);
    this.now.show(prediction);
    redraw(this.#drawBars);
  }

  #happened(event) {
    this.lately.add(event);
    if (event.event === "began") this.now.began(event);
  }

  #saw(data) {
    const seen = this.picture.show(data);
    if (!seen && this.#unseenTimer) return;
    clearTimeout(this.#unseenTimer);
    this.#unseenTimer = 0;
    if (seen) this.bridge.setSeen(true);
    else this.#unseenTimer = setTimeout(() => this.bridge.setSeen(false), UNSEEN_MS);
  }

  #keepMirror(box) {
    box.checked = forGood.get(MIRRORED) !== "no";
    this.picture.setMirrored(box.checked);
    box.addEventListener("change", () => {
      this.picture.setMirrored(box.checked);
      forGood.set(MIRRORED, box.checked ? "yes" : "no");
    });
  }
}
