/** The visitor's camera: opened, changed, and looked at frame by frame; and what to do where that does not work. */

import { text } from "/static/texts.js";

const TEXTS = {
  refused: ["camera.refused", "camera.refused_text"],
  missing: ["camera.missing", "camera.missing_text"],
  busy: ["camera.busy", "camera.busy_text"],
  insecure: ["camera.insecure", "camera.insecure_text"],
  lost: ["camera.lost", "camera.lost_text"],
  failed: ["camera.failed", "camera.failed_text"],
};
const CODES = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};
const STUCK_MS = 1000; // without a new frame
const KEPT = 4; // pictures, so that what was seen in one can be drawn on it

/** There is no camera to be had; `code` is a key of TEXTS. */
export class CameraTrouble extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Return what is wrong with the camera and what to do about it, in the visitor's language.
 * @param {string} code of a CameraTrouble
 * @returns {{title: string, text: string}}
 */
export function troubleText(code) {
  const [title, more] = TEXTS[code] ?? TEXTS.failed;
  return { title: text(title), text: text(more) };
}

/** Open a camera, and show it in a video element.
 * @param {HTMLVideoElement} video
 * @param {{facing?: "user" | "environment"}} [options]
 * @throws {CameraTrouble}
 */
export async function openCamera(video, { facing = "user" } = {}) {
  const camera = new Camera(video);
  await camera.open({ facingMode: facing });
  return camera;
}

class Camera {
  #video;
  #canvases = Array.from({ length: KEPT }, () => document.createElement("canvas"));
  #stream = null;
  #tellLost = () => {};

  constructor(video) {
    this.#video = video;
    Object.assign(video, { muted: true, playsInline: true });
  }

  /** Whether it looks at who sits before it, so that its picture should be shown as in a mirror. */
  get isMirror() {
    return this.#stream?.getVideoTracks()[0]?.getSettings().facingMode !== "environment";
  }

  /** Of the camera that is open. */
  get id() {
    return this.#stream?.getVideoTracks()[0]?.getSettings().deviceId ?? "";
  }

  async open(wanted) {
    if (!isSecureContext || !navigator.mediaDevices) throw new CameraTrouble("insecure", "a page without encryption");
    try {
      const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...wanted }, audio: false });
      const [track] = this.#stream.getVideoTracks();
      track.addEventListener("ended", () => this.#lost(track));
      this.#video.srcObject = this.#stream;
      await this.#video.play();
    } catch (error) {
      this.stop();
      throw new CameraTrouble(CODES[error.name] ?? "failed", error.message);
    }
  }

  /** Let go of the camera. */
  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** Wait for the next picture; false if none comes for long. */
  async next() {
    return new Promise((settle) => {
      const timer = setTimeout(() => settle(false), STUCK_MS);
      const come = () => (clearTimeout(timer), settle(this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA));
      if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(come);
      else requestAnimationFrame(come);
    });
  }

  /** The picture that was grabbed last; it stays as it is until three others were. */
  get picture() {
    return this.#canvases[0];
  }

  /** Return the present picture as a JPEG; null if there is none.
   * @param {number} maxSide pixels of the longer side, at most
   * @param {number} quality 0 to 1
   * @returns {Promise<Blob | null>}
   */
  async grab(maxSide = 640, quality = 0.7) {
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth || !videoHeight) return null;
    const scale = Math.min(1, maxSide / Math.max(videoWidth, videoHeight));
    const [width, height] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
    const canvas = this.#canvases.pop();
    this.#canvases.unshift(canvas);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.getContext("2d", { alpha: false }).drawImage(this.#video, 0, 0, width, height);
    return new Promise((settle) => canvas.toBlob(settle, "image/jpeg", quality));
  }

  /** Return the cameras that there are; their names are known once one was allowed.
   * @returns {Promise<{id: string, name: string}[]>}
   */
  async cameras() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices
      .filter(({ kind, deviceId }) => kind === "videoinput" && deviceId)
      .map(({ deviceId, label }, i) => ({ id: deviceId, name: label || text("camera.number", { number: i + 1 }) }));
  }

  /** Use another camera. If that does not work, the one before is used again.
   * @throws {CameraTrouble}
   */
  async choose(id) {
    const before = this.id;
    this.stop(); // phones open one at a time
    try {
      await this.open({ deviceId: { exact: id } });
    } catch (error) {
      if (before && before !== id) await this.open({ deviceId: { exact: before } }).catch(() => {});
      throw error;
    }
  }

  /** Have a function called if the camera is pulled out, or taken away. */
  onLost(tell) {
    this.#tellLost = tell;
  }

  #lost(track) {
    if (this.#stream?.getTracks().includes(track)) this.#tellLost(new CameraTrouble("lost", "the camera is gone"));
  }
}
