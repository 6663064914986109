// A clip in, an answer out.

import { Refused, sendClip } from "./api.js";
import { sortedBars } from "./bars.js";
import { $, say, show } from "./element.js";
import { megabytes, percent } from "./words.js";

export class Upload {
  #sending = null;

  // bundle: gives the name of the chosen one, or null for the server's own; threshold: of a bundle by name.
  constructor({ bundle, threshold, onRefused }) {
    Object.assign(this, { bundle, threshold, onRefused });
    for (const [button, input] of [["choose", "file"], ["film", "capture"]]) {
      $(button).addEventListener("click", () => $(input).click());
      $(input).addEventListener("change", (event) => this.#take(event.target));
    }
    $("cancel").addEventListener("click", () => this.#sending?.abort());
    this.#listenForDrops($("drop"));
  }

  #take(input) {
    const [file] = input.files;
    if (file) this.send(file);
    input.value = ""; // the same file may be chosen again
  }

  #listenForDrops(zone) {
    const mark = (over) => zone.classList.toggle("over", over);
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    zone.addEventListener("dragover", () => mark(true));
    zone.addEventListener("dragleave", (event) => zone.contains(event.relatedTarget) || mark(false));
    zone.addEventListener("drop", (event) => {
      mark(false);
      const files = [...event.dataTransfer.files];
      if (files.length === 1) this.send(files[0]);
      else if (files.length > 1) this.#fail("One clip at a time, please.");
    });
    // A file dropped beside the zone would replace the page.
    for (const kind of ["dragover", "drop"]) {
      addEventListener(kind, (event) => carriesFiles(event) && event.preventDefault());
    }
  }

  async send(file) {
    this.#sending?.abort();
    const sending = (this.#sending = new AbortController());
    this.#begin(file);
    const onProgress = (share) => this.#sending === sending && this.#progress(share);
    try {
      const answer = await sendClip(file, { bundle: this.bundle(), onProgress, signal: sending.signal });
      await this.#answer(file, answer);
    } catch (error) {
      if (error.name !== "AbortError") this.#fail(error.message);
      if (error instanceof Refused && error.status === 401) this.onRefused(error);
    } finally {
      if (this.#sending === sending) this.#end();
    }
  }

  #begin(file) {
    say($("try-problem"), "");
    show($("answer"), false);
    show($("drop"), false);
    show($("sending"), true);
    this.what = `${file.name}, ${megabytes(file.size)}`;
    this.#progress(0);
  }

  #progress(share) {
    const sent = share >= 1;
    say($("sending-text"), sent ? "Looking for a gesture" : `Sending ${this.what}`);
    if (sent) $("progress").removeAttribute("value");
    else $("progress").value = share;
  }

  #end() {
    this.#sending = null;
    const hadFocus = document.activeElement === $("cancel");
    show($("sending"), false);
    show($("drop"), true);
    if (hadFocus) $("choose").focus();
  }

  #fail(message) {
    show($("answer"), false);
    say($("try-problem"), `Not recognised: ${message}`);
  }

  async #answer(file, answer) {
    const { confidence, gesture, probabilities, bundle, version, milliseconds } = answer;
    const accept = await this.threshold(bundle);
    say($("answer-file"), file.name);
    say($("answer-label"), gesture ?? "No gesture");
    $("answer-label").classList.toggle("on", gesture !== null);
    say($("answer-text"), gesture ? `with ${percent(confidence)} confidence` : why(answer, accept));
    sortedBars($("answer-bars"), probabilities, accept);
    say($("answer-by"), `${bundle}, version ${version}, in ${milliseconds.toFixed(0)}\u00a0ms`);
    show($("answer"), true);
  }
}

function why({ label, confidence, seen }, accept) {
  if (!seen) return "Nobody was seen in it. The hands, or the body, must be in the picture.";
  const likely = `Most likely ${label}, ${percent(confidence)}`;
  return confidence < accept ? `${likely}: below the threshold of ${percent(accept)}.` : `${likely}.`;
}
