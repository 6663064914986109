/** Clips taken from the camera's stream, each with its video if the person agreed to that. */

import { ask } from "/static/api.js";
import { text } from "/static/texts.js";

const ANSWER_MS = 20_000;
const KINDS = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];
const BITS_PER_SECOND = 2_500_000;
const MOST_BYTES = 16_000_000;
const TRIES = 4;
const KNOWN = { short: "session.short", unseen: "session.unseen", turned: "session.turned" };
const ABOUT_TAKING = [...Object.keys(KNOWN), "command", "rate"]; // all else that goes wrong is about single frames

/** A clip could not be taken or kept; `again` if the same prompt should come once more. */
export class TakeTrouble extends Error {
  constructor(code, message, again) {
    super(message);
    Object.assign(this, { code, again });
  }
}

const lostClip = () => new TakeTrouble("lost", text("session.lost_clip"), true);

/** Whether this browser can record videos. */
export const canFilm = () => typeof MediaRecorder === "function" && KINDS.some((one) => MediaRecorder.isTypeSupported(one));

/** Takes clips.
 *
 * @param {HTMLVideoElement} video that shows the camera
 * @param {number} recording its id
 * @param {boolean} films whether videos are kept, too
 * @param {(why: Error) => void} onVideoLost called if a video could not be sent; its clip is kept
 */
export class Takes {
  stream = null; // of watch.js
  #waiting = new Map(); // "clip", or the number of a clip that is being kept
  #film = null;
  #videos = new Map(); // by the number of its clip
  #sending = new Set();
  #connection = 0; // numbers of clips begin anew with each

  constructor(video, recording, films, onVideoLost) {
    Object.assign(this, { video, recording, films, onVideoLost });
  }

  begin() {
    try {
      this.#film = this.films ? new Film(this.video.srcObject) : null;
    } catch (error) {
      this.onVideoLost(error);
    }
    this.stream.begin();
  }

  /** Stop what is being taken, and forget it. */
  cancel() {
    this.#film?.stop();
    this.#film = null;
    this.stream.rest();
  }

  /** Stop, and return the clip. */
  async end() {
    const film = this.#film?.stop();
    this.#film = null;
    const answer = this.#answered("clip");
    this.stream.end();
    const clip = await answer;
    const video = await film;
    if (video) this.#videos.set(clip.clip, video);
    return { ...clip, connection: this.#connection };
  }

  /** Keep a clip, and return its id; its video is sent meanwhile. */
  async keep(clip, prompt) {
    const gesture = prompt.idle ? null : prompt.id;
    const what = { clip: clip.clip, recording: this.recording, gesture, idle: prompt.idle };
    if (clip.connection !== this.#connection || !this.stream.keep(what)) throw lostClip();
    const id = await this.#answered(clip.clip);
    const video = this.#videos.get(clip.clip);
    if (video) {
      const sending = this.#send(id, video).finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
    }
    this.#videos.delete(clip.clip);
    return id;
  }

  drop(clip) {
    this.#videos.delete(clip.clip);
    if (clip.connection === this.#connection) this.stream.drop(clip.clip);
  }

  get isSending() {
    return this.#sending.size > 0;
  }

  /** Wait until all videos are sent. */
  async sent() {
    await Promise.all(this.#sending);
  }

  /** Take what the stream says: that a clip is there, or kept. */
  told(key, value) {
    this.#waiting.get(key)?.go(value);
  }

  /** Take what the stream says has gone wrong. */
  trouble({ code, message, clip }) {
    if (clip === undefined && !ABOUT_TAKING.includes(code)) return;
    const again = clip === undefined || code === "gone";
    const words = code === "gone" ? "session.lost_clip" : code === "too_many" ? "session.too_many" : KNOWN[code];
    this.#waiting.get(clip ?? "clip")?.stop(new TakeTrouble(code, words ? text(words) : message, again));
  }

  /** The connection is lost: with it goes what was not kept. */
  lost() {
    this.#connection += 1;
    for (const { stop } of this.#waiting.values()) stop(lostClip());
    this.#videos.clear();
  }

  #answered(key) {
    return new Promise((go, stop) => {
      const late = () => this.#waiting.get(key).stop(new TakeTrouble("slow", text("session.slow"), key === "clip"));
      const timer = setTimeout(late, ANSWER_MS);
      const settle = (how) => (value) => {
        clearTimeout(timer);
        this.#waiting.delete(key);
        how(value);
      };
      this.#waiting.set(key, { go: settle(go), stop: settle(stop) });
    });
  }

  async #send(id, video) {
    for (let tries = 1; ; tries++) {
      try {
        return await ask("PUT", `/api/clips/${id}/video`, video);
      } catch (error) {
        const is_lasting = error.status !== undefined && error.status !== 503 && error.status !== 429;
        if (is_lasting || tries === TRIES) return this.onVideoLost(error);
        await new Promise((go) => setTimeout(go, 1000 * 2 ** tries));
      }
    }
  }
}

/** The video of one clip. */
class Film {
  #pieces = [];
  #recorder;

  constructor(stream) {
    const mimeType = KINDS.find((one) => MediaRecorder.isTypeSupported(one));
    this.#recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: BITS_PER_SECOND });
    this.#recorder.addEventListener("dataavailable", ({ data }) => this.#pieces.push(data));
    this.#recorder.start();
  }

  /** Stop, and return the video; nothing if there is none, or it is too large to be sent. */
  async stop() {
    if (this.#recorder.state === "inactive") return null;
    const stopped = new Promise((go) => this.#recorder.addEventListener("stop", go, { once: true }));
    this.#recorder.stop();
    await stopped;
    const video = new Blob(this.#pieces, { type: this.#recorder.mimeType });
    return video.size > 0 && video.size <= MOST_BYTES ? video : null;
  }
}
