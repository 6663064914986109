/** The course of a recording: which gesture comes when, counting down, recording, looking at it, keeping it or not. */

/** Return the prompts of a recording, each `{id, name, note, idle}`.
 *
 * @param {object[]} gestures those that are wanted
 * @param {number} clips of each
 * @param {"mixed" | "blocks"} order mixed: each once in every round, never the same twice in a row if it can be helped
 * @param {() => number} random 0 to 1
 */
export function promptsFor(gestures, clips, order, random = Math.random) {
  if (order === "blocks") return gestures.flatMap((gesture) => new Array(clips).fill(gesture));
  const prompts = [];
  for (let round = 0; round < clips; round++) {
    const these = shuffled(gestures, random);
    if (these.length > 1 && these[0] === prompts.at(-1)) these.push(these.shift());
    prompts.push(...these);
  }
  return prompts;
}

function shuffled(list, random) {
  const found = [...list];
  for (let i = found.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [found[i], found[j]] = [found[j], found[i]];
  }
  return found;
}

/** What is being done is broken off; the same prompt comes again. */
class Interrupted extends Error {}

/** Leads through a recording.
 *
 * @param {object} given
 * @param {object[]} given.prompts in their order
 * @param {{countdown: number, seconds: number, auto: number}} given.times in seconds; auto: after which a clip is kept, 0
 *   to wait for an answer
 * @param {object} given.takes records: begin(), end() gives the clip, keep(clip, prompt), drop(clip); what goes wrong is
 *   thrown, with `again` set if the same prompt should simply come again
 * @param {object} given.view shows: countdown(prompt, left), recording(prompt, share), waiting(prompt), review(clip,
 *   prompt), left(seconds), decided(), refused(error), done(kept, all), paused(why)
 */
export class Session {
  kept = [];
  #over = false;
  #why = new Set(); // it is paused for
  #resume = null;
  #breaking = new AbortController();
  #answer = null;

  constructor({ prompts, times, takes, view }) {
    Object.assign(this, { times, takes, view });
    this.left = [...prompts];
    this.all = prompts.length;
  }

  /** Go through all prompts; return when the last clip is kept, or when it is ended. */
  async run() {
    this.view.done(0, this.all);
    while (this.left.length && !this.#over) {
      try {
        await this.#going();
        if (await this.#one(this.left[0])) this.left.shift();
      } catch (error) {
        if (!(error instanceof Interrupted)) await this.#trouble(error);
      }
    }
  }

  get paused() {
    return this.#why.size > 0;
  }

  pausedFor(why) {
    return this.#why.has(why);
  }

  /** Pause for a reason, until it is gone: "user", "hidden", "camera" or "lost". */
  pause(why) {
    this.#why.add(why);
    this.#break();
    this.view.paused([...this.#why]);
  }

  resume(why) {
    if (!this.#why.delete(why)) return;
    this.view.paused([...this.#why]);
    if (!this.paused) this.#resume?.();
  }

  /** End before all prompts are done; what is not kept is gone. */
  finish() {
    this.#over = true;
    this.#break();
    this.#answer?.("drop");
    this.#resume?.();
  }

  /** Say what is to be done with the clip that is shown: "keep" or "redo". */
  answer(word) {
    this.#answer?.(word);
  }

  #break() {
    this.#breaking.abort();
    this.#breaking = new AbortController();
  }

  async #going() {
    while (this.paused && !this.#over) {
      this.view.paused([...this.#why]);
      await new Promise((go) => (this.#resume = go));
    }
    this.#check();
  }

  #check() {
    if (this.#over) throw new Interrupted();
  }

  async #one(prompt) {
    const { signal } = this.#breaking;
    for (let left = this.times.countdown; left > 0; left--) {
      this.view.countdown(prompt, left);
      await sleep(1000, signal);
    }
    const clip = await this.#record(prompt, signal);
    while (!this.#over) {
      if ((await this.#decision(clip, prompt)) !== "keep") {
        this.takes.drop(clip);
        return false;
      }
      try {
        this.kept.push({ prompt, id: await this.takes.keep(clip, prompt) });
        this.view.done(this.kept.length, this.all);
        return true;
      } catch (error) {
        if (error.again) throw error; // this clip is lost
        this.view.refused(error); // and can be kept once more
      }
    }
    return false;
  }

  async #record(prompt, signal) {
    this.takes.begin();
    try {
      const began = performance.now();
      const all = this.times.seconds * 1000;
      for (let now = 0; now < all; now = performance.now() - began) {
        this.view.recording(prompt, now / all);
        await sleep(Math.min(50, all - now), signal);
      }
    } catch (error) {
      this.takes.cancel();
      throw error;
    }
    this.view.waiting(prompt);
    const clip = await this.takes.end();
    this.#check();
    return clip;
  }

  /** Show a clip, and return what is to be done with it. */
  async #decision(clip, prompt) {
    const answered = new Promise((answer) => (this.#answer = answer));
    this.view.review(clip, prompt);
    const clock = new AbortController(); // a pause stops it, but not the question
    this.#breaking.signal.addEventListener("abort", () => clock.abort());
    const late = this.times.auto && !this.paused ? this.#late(clock.signal) : answered;
    try {
      return await Promise.race([answered, late.catch(() => answered)]);
    } finally {
      clock.abort();
      this.#answer = null;
      this.view.left(0);
      this.view.decided();
    }
  }

  /** Wait for as long as somebody may think about a clip, and return that it is to be kept. */
  async #late(signal) {
    for (let left = this.times.auto; left > 0; left--) {
      this.view.left(left);
      await sleep(1000, signal);
    }
    return "keep";
  }

  async #trouble(error) {
    this.view.refused(error);
    try {
      await sleep(error.again ? 2500 : 4000, this.#breaking.signal);
    } catch {
      // paused or ended
    }
  }
}

function sleep(ms, signal) {
  return new Promise((go, stop) => {
    if (signal.aborted) return stop(new Interrupted());
    const timer = setTimeout(go, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), stop(new Interrupted())), { once: true });
  });
}
