// Server-sent events of the bridge, until something breaks; whoever opened it then begins anew.

import { address, key } from "./api.js";

const KINDS = ["status", "gesture_prediction", "gesture", "points"];
const SILENT_MS = 10_000;

export class Stream {
  // onSilence is called when nothing came for long: the other end may be gone without a word.
  constructor({ onEvent, onOpen, onBroken, onSilence }) {
    Object.assign(this, { onEvent, onOpen, onBroken, onSilence, source: null, timer: 0 });
  }

  open() {
    this.close();
    this.source = new EventSource(address("api/stream", { points: "1", key: key.get() }));
    for (const kind of KINDS) {
      this.source.addEventListener(kind, (event) => {
        this.#wait();
        this.onEvent(kind, JSON.parse(event.data));
      });
    }
    this.source.onopen = () => this.onOpen();
    // The browser would try again by itself, but not after every refusal, and would not say why.
    this.source.onerror = () => {
      this.close();
      this.onBroken();
    };
    this.#wait();
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  #wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.#wait();
      this.onSilence();
    }, SILENT_MS);
  }
}
