/** The page that leads through a recording: what is chosen, the camera, the course of it, and the summary. */

import { ask } from "/static/api.js";
import { CameraTrouble, openCamera, troubleText } from "/static/camera.js";
import { promptsFor, Session } from "/static/session.js";
import { Stage } from "/static/stage.js";
import { showSummary } from "/static/summary.js";
import { canFilm, Takes } from "/static/takes.js";
import { text } from "/static/texts.js";
import { toast } from "/static/toast.js";
import { watch } from "/static/watch.js";

const LOOK_S = 4; // to look at a clip and decide, on the average

const byId = (id) => document.getElementById(id);

class Page {
  #plan;
  #gestures;
  #form = byId("plan");
  #stage = new Stage();
  #camera = null;
  #session = null;
  #ended = null; // why the studio or the camera ended it

  constructor(plan) {
    this.#plan = plan;
    const idle = { id: "idle", name: plan.idle, note: "", idle: true };
    this.#gestures = [...plan.gestures.map((one) => ({ ...one, idle: false })), idle];
    this.#form.addEventListener("input", () => this.#count());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    byId("video").disabled = !canFilm();
    byId("pause").addEventListener("click", () => this.#toggle());
    byId("finish").addEventListener("click", () => this.#session?.finish());
    byId("keep").addEventListener("click", () => this.#session?.answer("keep"));
    byId("redo").addEventListener("click", () => this.#session?.answer("redo"));
    byId("once-more").addEventListener("click", () => this.#again());
    byId("cameras").addEventListener("change", ({ target }) => this.#choose(target.value));
    document.addEventListener("keydown", (event) => this.#pressed(event));
    document.addEventListener("visibilitychange", () => this.#hold("hidden", document.hidden));
    this.#count();
  }

  get #chosen() {
    const form = this.#form.elements;
    const data = new FormData(this.#form);
    const wanted = new Set(data.getAll("gesture"));
    return {
      gestures: this.#gestures.filter(({ id }) => wanted.has(String(id))),
      clips: form.clips.valueAsNumber,
      countdown: form.countdown.valueAsNumber,
      seconds: form.seconds.valueAsNumber,
      order: data.get("order"),
      auto: Number(data.get("after")),
      beeps: form.beep.checked,
      films: form.video.checked,
    };
  }

  /** Say how many clips it will be, and for how long. */
  #count() {
    const { gestures, clips, countdown, seconds, auto } = this.#chosen;
    const count = gestures.length * clips;
    const minutes = Math.ceil((count * (countdown + seconds + (auto || LOOK_S))) / 60);
    byId("start").disabled = gestures.length === 0;
    byId("planned").textContent = count > 0 ? text("session.planned", { count, minutes }) : text("session.nothing");
  }

  async #start() {
    const chosen = this.#chosen;
    byId("plan-trouble").hidden = byId("summary").hidden = this.#form.hidden = true;
    this.#stage.open(chosen.beeps);
    this.#stage.tell(text("session.opening"));
    try {
      this.#camera = await openCamera(this.#stage.video);
      const { id } = await ask("POST", "/api/recordings", { set: this.#plan.set, video: chosen.films });
      await this.#record(id, chosen);
    } catch (error) {
      this.#form.hidden = false;
      this.#refuse(error instanceof CameraTrouble ? troubleText(error.code) : refusal(error));
      byId("start").focus();
    } finally {
      this.#camera?.stop();
      this.#camera = null;
      this.#stage.close();
    }
  }

  /** Go through a recording that has begun, and show what it has brought. */
  async #record(recording, chosen) {
    const prompts = promptsFor(chosen.gestures, chosen.clips, chosen.order);
    const lost = () => toast(text("session.video_lost"), "bad");
    const takes = new Takes(this.#stage.video, recording, chosen.films, lost);
    const session = new Session({ prompts, times: chosen, takes, view: this.#stage });
    this.#session = session;
    this.#ended = null;
    this.#stage.mirrored = this.#camera.isMirror;
    byId("keeps-video").hidden = !chosen.films;
    session.pause("lost"); // until the studio is ready
    this.#hold("hidden", document.hidden);
    takes.stream = this.#watch(takes);
    this.#camera.onLost(({ code }) => this.#end(troubleText(code)));
    this.#list();
    const awake = await navigator.wakeLock?.request("screen").catch(() => null);
    try {
      await session.run();
      if (takes.isSending) this.#stage.tell(text("session.sending"));
      await takes.sent();
    } finally {
      this.#session = null;
      takes.stream.close();
      awake?.release();
      await ask("POST", `/api/recordings/${recording}/end`).catch(() => null); // its clips are kept in any case
    }
    this.#stage.close();
    await showSummary(this.#plan.set, this.#plan.idle, session.kept);
    if (this.#ended) this.#refuse(this.#ended);
  }

  #watch(takes) {
    return watch(this.#plan.set, this.#camera, {
      onReady: ({ shape }) => {
        this.#stage.shape = shape;
        this.#hold("lost", false);
      },
      onPoints: ({ points }) => this.#stage.points(points),
      onClip: (clip) => takes.told("clip", clip),
      onKept: ({ clip, id }) => takes.told(clip, id),
      onTrouble: (trouble) => takes.trouble(trouble),
      onState: (state, why) => {
        if (state === "lost") this.#hold("lost", true);
        if (state === "lost" || state === "ended") takes.lost();
        if (state === "ended") this.#end({ title: text("session.ended"), text: text(ENDS[why] ?? ENDS.refused) });
      },
    });
  }

  /** End because it cannot go on. */
  #end(why) {
    this.#ended = why;
    this.#session?.finish();
  }

  #hold(why, on) {
    if (on) this.#session?.pause(why);
    else this.#session?.resume(why);
  }

  #toggle() {
    this.#hold("user", !this.#session?.pausedFor("user"));
  }

  #again() {
    byId("summary").hidden = byId("plan-trouble").hidden = true;
    this.#form.hidden = false;
    byId("start").focus();
  }

  #refuse({ title, text: words }) {
    byId("plan-trouble").querySelector("b").textContent = title;
    byId("plan-trouble").querySelector("p:last-child").textContent = words;
    byId("plan-trouble").hidden = false;
  }

  /** Offer the cameras if there are several. */
  async #list() {
    const cameras = await this.#camera.cameras();
    byId("cameras-field").hidden = cameras.length < 2;
    byId("cameras").replaceChildren(...cameras.map(({ id, name }) => new Option(name, id)));
    if (this.#camera) byId("cameras").value = this.#camera.id;
  }

  async #choose(id) {
    this.#hold("camera", true);
    try {
      await this.#camera.choose(id);
      this.#stage.mirrored = this.#camera.isMirror;
    } catch (error) {
      toast(troubleText(error.code).text, "bad");
      byId("cameras").value = this.#camera.id;
    } finally {
      this.#hold("camera", false);
    }
  }

  #pressed(event) {
    if (!this.#session || event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    if (event.target.closest("input, select, textarea")) return;
    const key = event.key.toLowerCase();
    const on = event.target.closest("button");
    if (key === "k" || (key === "enter" && !on)) this.#session.answer("keep");
    else if (key === "r") this.#session.answer("redo");
    else if (key === " " && !on) this.#toggle();
    else return;
    event.preventDefault();
  }
}

const ENDS = { signed_out: "session.signed_out", gone: "session.set_gone", refused: "session.refused" };

const refusal = (error) => ({ title: text("session.failed"), text: error.message });

const root = byId("session");
if (root) new Page(JSON.parse(root.dataset.plan));
