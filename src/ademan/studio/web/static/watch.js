/** A camera's frames to the studio, and what it sees in them back.
 *
 * A frame goes out when fewer than two are unanswered, so that what comes back is never old. A lost connection is made
 * anew, later each time. While the page is hidden no frame is sent.
 */

const MOST_UNANSWERED = 2;
const LEAST_MS = 33; // between two frames
const SILENCE_MS = 5000; // after which what is unanswered counts as lost
const SIDES = [640, 480, 320]; // smaller pictures where the network is slow
const QUALITY = 0.7;
const MUCH = 60_000; // bytes that wait to be sent
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const IDLE = 4408;
/** Codes after which it is of no use to try again, and why. */
const ENDS = { 4400: "refused", 4401: "signed_out", 4404: "gone", 1008: "refused" };
/** Codes after which it is, and what is to be said meanwhile. */
const WAITS = { 4429: "many", 4503: "unavailable" };

const nothing = () => {};

/** Watch a camera.
 *
 * onPoints is given the picture in which the points were found, too, if the camera has it. onState is called with "connecting", "ready", "lost" (it is tried again), "paused" or "ended", and why: for "lost"
 * "" or "many" or "unavailable", for "ended" "refused", "signed_out" or "gone".
 *
 * @param {number | string} setId of the gesture set
 * @param {{next: () => Promise<boolean>, grab: (side: number, quality: number) => Promise<Blob | null>}} camera
 * @param {Record<string, Function>} [handlers] onReady, onPoints, onPrediction, onEvent, onClip, onKept, onDropped,
 *   onCorrected, onTrouble, onState, onDelay (milliseconds from a frame to its points)
 */
export function watch(setId, camera, handlers = {}) {
  const stream = new Stream(setId, camera, handlers);
  stream.connect();
  return {
    begin: () => stream.do("begin"),
    end: () => stream.do("end"),
    keep: (what) => stream.do("keep", what),
    drop: (clip) => stream.do("drop", { clip }),
    rest: () => stream.do("rest"),
    correct: (id, truth) => stream.do("correct", { id, truth }),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    close: () => stream.close(),
  };
}

class Stream {
  #setId;
  #camera;
  #handlers;
  #socket = null;
  #sent = new Map(); // unanswered frames by their number: when they were taken, and the picture
  #number = 0;
  #answered = nothing;
  #pause = FIRST_PAUSE_MS;
  #side = 0;
  #state = "connecting";
  #timer = 0;
  #seen = () => this.#look();

  constructor(setId, camera, handlers) {
    this.#setId = setId;
    this.#camera = camera;
    this.#handlers = handlers;
    document.addEventListener("visibilitychange", this.#seen);
    addEventListener("online", this.#seen);
  }

  connect() {
    clearTimeout(this.#timer);
    this.#become("connecting");
    const address = new URL(`/api/watch?set=${encodeURIComponent(this.#setId)}`, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#socket === socket && this.#take(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => this.#socket === socket && this.#closed(code));
    this.#socket = socket;
  }

  /** Send a command; false if there is nobody to take it. */
  do(what, more = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ do: what, ...more }));
    return true;
  }

  pause() {
    if (this.#state === "ended") return;
    clearTimeout(this.#timer);
    this.#drop();
    this.#become("paused");
  }

  resume() {
    if (this.#state === "paused") this.connect();
  }

  close() {
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#seen);
    removeEventListener("online", this.#seen);
    this.#drop();
    this.#state = "ended";
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#sent.clear();
    this.#answered();
    socket?.close();
  }

  #become(state, why = "") {
    this.#state = state;
    (this.#handlers.onState ?? nothing)(state, why);
  }

  #look() {
    this.#answered();
    if (document.hidden || this.#state !== "lost") return;
    this.connect();
  }

  #take(message) {
    const { kind, number } = message;
    if (number !== undefined && kind !== "event") message.picture = this.#settle(message);
    if (kind === "ready" && this.#state !== "ready") {
      this.#pause = FIRST_PAUSE_MS;
      this.#become("ready");
      this.#run(this.#socket);
    }
    const handler = `on${kind[0].toUpperCase()}${kind.slice(1)}`;
    (this.#handlers[handler] ?? nothing)(message);
  }

  #settle({ kind, number }) {
    const sent = this.#sent.get(number);
    this.#sent.delete(number);
    if (kind === "points" && sent) (this.#handlers.onDelay ?? nothing)(performance.now() - sent.taken);
    this.#answered();
    return sent?.picture;
  }

  #closed(code) {
    this.#drop();
    if (ENDS[code]) return this.#become("ended", ENDS[code]);
    this.#become("lost", WAITS[code] ?? "");
    if (code === IDLE && document.hidden) return; // until the page is looked at again
    this.#timer = setTimeout(() => this.connect(), this.#pause * (0.75 + Math.random() / 2));
    this.#pause = Math.min(LONGEST_PAUSE_MS, this.#pause * 2);
  }

  /** Send frames until the connection is lost. */
  async #run(socket) {
    let last = 0;
    while (this.#socket === socket) {
      if (document.hidden || this.#sent.size >= MOST_UNANSWERED) await this.#wait();
      else if (!(await this.#camera.next())) continue;
      else if (performance.now() - last >= LEAST_MS - 5 && !this.#isSlow(socket)) {
        last = performance.now();
        await this.#send(socket, last);
      }
    }
  }

  /** Wait for an answer, or for the page to be seen again. */
  async #wait() {
    await new Promise((settle) => {
      this.#answered = settle;
      setTimeout(settle, SILENCE_MS);
    });
    const old = performance.now() - SILENCE_MS;
    for (const [number, { taken }] of this.#sent) if (taken < old) this.#sent.delete(number);
  }

  #isSlow(socket) {
    if (socket.bufferedAmount < MUCH) return false;
    this.#side = Math.min(SIDES.length - 1, this.#side + 1);
    return true;
  }

  async #send(socket, taken) {
    const grabbing = this.#camera.grab(SIDES[this.#side], QUALITY);
    const { picture } = this.#camera; // drawn already, and yet to be made a JPEG
    const content = await (await grabbing)?.arrayBuffer();
    if (!content) return;
    if (this.#socket !== socket || socket.readyState !== WebSocket.OPEN) return;
    const frame = new Uint8Array(12 + content.byteLength);
    const head = new DataView(frame.buffer);
    this.#number += 1;
    head.setUint32(0, this.#number, true);
    head.setFloat64(4, taken, true);
    frame.set(new Uint8Array(content), 12);
    this.#sent.set(this.#number, { taken, picture });
    socket.send(frame);
  }
}
