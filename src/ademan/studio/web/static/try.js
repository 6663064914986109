/** The page to try gestures out: the camera, what is recognised, a task, and what is recognised wrongly. */

import { ask } from "/static/api.js";
import { openCamera, troubleText } from "/static/camera.js";
import { Events } from "/static/events.js";
import { Figure } from "/static/figure.js";
import { Task } from "/static/task.js";
import { text } from "/static/texts.js";
import { toast } from "/static/toast.js";
import { watch } from "/static/watch.js";

const byId = (id) => document.getElementById(id);
const root = byId("trying");
const setId = root.dataset.set;
const video = byId("video");
const pace = { delays: [], times: [] };
const BANNERS = { "": "try.reconnecting", many: "try.many", unavailable: "try.unavailable" };
const ENDS = { signed_out: "try.signed_out", gone: "try.set_gone", refused: "try.refused" };
const PACE_MS = 1000;
const SAID_MS = 1500; // a screen reader is not told more often

let camera = null;
let stream = null;
let figure = null;
let model = null;
let saidAt = 0;

const task = new Task({ panel: byId("task"), wanted: byId("wanted"), note: byId("wanted-note"), ticks: byId("ticks") });
const events = new Events({
  list: byId("events"),
  none: byId("events-none"),
  hint: byId("events-hint"),
  correct: (id, truth) => (stream?.correct(id, truth) ? null : ask("POST", `/api/predictions/${id}/truth`, { truth })),
});

/** Show what there is to say instead of the picture. */
function curtain(title, words, label = "", bad = false) {
  byId("curtain").hidden = false;
  byId("curtain").classList.toggle("bad", bad);
  byId("curtain-title").textContent = title;
  byId("curtain-text").textContent = words;
  byId("start").hidden = !label;
  byId("start").disabled = false;
  if (label) byId("start-label").textContent = label;
}

function banner(words) {
  byId("banner").hidden = !words;
  byId("banner").textContent = words;
}

function refuse(code) {
  const { title, text: words } = troubleText(code);
  stop();
  curtain(title, words, text("try.retry"), true);
  say(`${title}. ${words}`);
}

function say(words) {
  byId("said").textContent = words;
}

async function start() {
  byId("start").disabled = true;
  byId("curtain-title").textContent = text("try.opening");
  byId("curtain-text").textContent = text("try.allow");
  try {
    camera = await openCamera(video, { facing: "user" });
  } catch (error) {
    refuse(error.code);
    byId("start").focus();
    return;
  }
  camera.onLost(() => refuse("lost"));
  byId("curtain").hidden = true;
  byId("controls").hidden = false;
  byId("screen").classList.toggle("mirror", camera.isMirror);
  if (byId("start").matches(":focus") || document.activeElement === document.body) byId("pause").focus();
  stream = watch(setId, camera, handlers);
  await listCameras();
}

function stop() {
  stream?.close();
  camera?.stop();
  figure?.close();
  stream = camera = figure = null;
  for (const id of ["controls", "pace", "label", "banner"]) byId(id).hidden = true;
  paused(false);
}

const handlers = {
  onReady({ set, shape, model: live }) {
    figure?.close();
    figure = new Figure(byId("figure"), shape, { mirrored: camera.isMirror });
    model = live;
    byId("no-model").hidden = Boolean(model);
    byId("confidence").hidden = !model;
    byId("label").hidden = !model;
    bars(model?.labels ?? []);
    task.set(model ? set.gestures.filter(({ name }) => model.labels.includes(name)) : []);
    events.choices([...set.gestures.map(({ name }) => name), set.idle], set.idle);
    showLabel(null);
  },
  onPoints({ points, picture }) {
    figure?.draw(points, { picture }); // on the very picture in which they were found
  },
  onPrediction({ label, gesture, shares }) {
    for (const item of byId("bars").children) {
      const share = shares[item.dataset.label] ?? 0;
      item.querySelector(".bar-line span").style.setProperty("--share", `${(100 * share).toFixed(1)}%`);
      item.querySelector(".number").textContent = percent(share);
      item.classList.toggle("is-on", item.dataset.label === gesture);
      item.querySelector(".name").classList.toggle("best", item.dataset.label === label);
    }
    showLabel(gesture);
  },
  onEvent(event) {
    events.take(event);
    if (event.event !== "began") return;
    const next = task.shown(event.label);
    const now = performance.now();
    if (next || now - saidAt > SAID_MS) say(text("try.recognised", { label: event.label }));
    saidAt = now;
  },
  onCorrected: (told) => events.corrected(told),
  onTrouble(trouble) {
    if (trouble.id !== undefined) events.refused(trouble);
    else if (trouble.code === "model") banner(trouble.message);
    else if (trouble.number === undefined || trouble.code === "failed") banner(trouble.message);
  },
  onState(state, why) {
    if (state === "ready") banner("");
    else if (state === "lost") banner(text(BANNERS[why] ?? BANNERS[""]));
    else if (state === "ended") {
      stop();
      curtain(text("try.ended"), text(ENDS[why]), why === "gone" ? "" : text("try.retry"), true);
      say(text(ENDS[why]));
      if (why === "signed_out") location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    }
    if (state !== "ready") figure?.clear();
  },
  onDelay(delay) {
    pace.delays.push(delay);
    pace.times.push(performance.now());
  },
};

const percent = (share) => new Intl.NumberFormat(document.documentElement.lang, { style: "percent" }).format(share);

function showLabel(gesture) {
  const label = byId("label");
  label.textContent = gesture ?? text("try.nothing");
  label.classList.toggle("nothing", gesture === null);
}

function bars(labels) {
  byId("bars").replaceChildren(
    ...labels.map((label) => {
      const item = document.createElement("li");
      item.dataset.label = label;
      const [name, number, line] = ["name", "number", "bar-line"].map((kind) => {
        const part = document.createElement("span");
        part.className = kind;
        return part;
      });
      name.textContent = label;
      name.dir = "auto";
      number.textContent = percent(0);
      line.append(document.createElement("span"));
      item.append(name, number, line);
      return item;
    }),
  );
}

function paused(is) {
  byId("pause").setAttribute("aria-pressed", String(is));
  byId("pause").textContent = text(is ? "try.go_on" : "try.pause");
}

async function listCameras() {
  const cameras = (await camera?.cameras().catch(() => [])) ?? [];
  const options = cameras.map(({ id, name }) => new Option(name, id, false, id === camera?.id));
  byId("camera").replaceChildren(...options);
  byId("cameras").hidden = cameras.length < 2;
}

byId("start").addEventListener("click", start);
byId("pause").addEventListener("click", () => {
  const isPaused = byId("pause").getAttribute("aria-pressed") === "true";
  if (isPaused) {
    stream?.resume();
    video.play();
  } else {
    stream?.pause();
    video.pause();
  }
  banner(isPaused ? "" : text("try.paused"));
  paused(!isPaused);
});
byId("camera").addEventListener("change", async ({ target }) => {
  try {
    await camera.choose(target.value);
  } catch (error) {
    toast(troubleText(error.code).title, "bad");
    if (!video.srcObject) return refuse(error.code);
  }
  byId("screen").classList.toggle("mirror", camera.isMirror);
  if (figure) figure.mirrored = camera.isMirror;
  stream?.rest();
  await listCameras();
});
byId("skip").addEventListener("click", () => task.skip());
byId("again").addEventListener("click", () => task.begin());
navigator.mediaDevices?.addEventListener("devicechange", listCameras);
addEventListener("pagehide", stop);

setInterval(() => {
  const now = performance.now();
  const count = pace.times.filter((time) => time > now - PACE_MS).length;
  const delays = pace.delays.slice(-count || undefined).sort((a, b) => a - b);
  byId("pace").hidden = count === 0;
  if (count === 0) figure?.clear(); // the camera itself is seen beneath
  if (count) byId("pace").textContent = text("try.pace", { fps: count, delay: Math.round(delays[delays.length >> 1]) });
  pace.delays.length = pace.times.length = 0;
}, PACE_MS);

events.earlier(setId);
byId("start").disabled = false;
