// The page of `ademan serve`: asks the server what it is, and then shows what it tells.
//
// enter() is the one way in, at first and again after every break: it loads what is known, and opens the stream.

import { Away, Refused, ask, key } from "./api.js";
import { Bundles } from "./bundles.js";
import { $, say, show } from "./element.js";
import { Live } from "./live.js";
import { showAddresses, showCommands } from "./programs.js";
import { Stream } from "./stream.js";
import { Upload } from "./upload.js";

const AGAIN_MS = 2000;
const LOOK_MS = 5000; // without a camera: for a new version, or for a camera
const QUIET_MS = 1200; // a break that is mended sooner is not worth a word
const ASLEEP_MS = 30_000; // a tab in the background then gives back its place among the listeners

const bundles = new Bundles({ onChoice: drawPrograms });
const live = new Live({ onStatus: take, onRefused: refused });
const stream = new Stream({
  onEvent: (kind, data) => live.hear(kind, data),
  onOpen: catchUp,
  onBroken: broke,
  onSilence: look,
});
new Upload({ bundle: chosenName, threshold, onRefused: refused });

let camera = false;
let visit = 0; // counts entries: of two that overlap, the later one counts
let nextTimer = 0;
let quietTimer = 0;
let sleepTimer = 0;

async function enter() {
  clearTimeout(nextTimer);
  const mine = ++visit;
  try {
    await bundles.load();
    const status = await ask("api/status");
    const more = status.camera === null ? null : await askMore(status);
    if (mine === visit) entered(status, more);
  } catch (error) {
    if (mine === visit) fail(error);
  }
}

function askMore({ bundle }) {
  return Promise.all([bundles.manifest(bundle), ask("api/gestures")]);
}

function entered(status, more) {
  camera = more !== null;
  clearTimeout(quietTimer);
  show($("away"), false);
  show($("ask"), false);
  show($("forget"), key.get() !== "");
  show($("live"), camera);
  show($("pair"), true);
  show($("no-camera"), !camera);
  document.body.classList.remove("gone");
  drawPrograms();
  if (camera) {
    const [{ skeleton }, gestures] = more;
    live.enter(bundles.several ? status.bundle : "", skeleton, gestures);
    stream.open();
  } else {
    stream.close();
    again(LOOK_MS);
  }
  take(status);
}

function take(status) {
  if (bundles.served(status.bundle, status.version)) again(0);
  live.show(status);
}

function again(ms) {
  clearTimeout(nextTimer);
  nextTimer = setTimeout(enter, ms);
}

function drawPrograms() {
  showAddresses({ bundle: chosenName(), camera });
  showCommands(bundles.chosen?.name);
}

// The bundle to ask for; with one only, there is nothing to say.
function chosenName() {
  return bundles.several ? bundles.chosen.name : undefined;
}

async function threshold(name) {
  const { thresholds } = await bundles.manifest(name);
  return thresholds.accept;
}

function broke() {
  clearTimeout(quietTimer);
  quietTimer = setTimeout(tellAway, QUIET_MS, "The server does not answer.");
  again(0);
}

// From now on nothing is missed: what happened before may be asked for.
async function catchUp() {
  try {
    live.lately.fill((await ask("api/gestures")).recent);
  } catch (error) {
    refused(error);
  }
}

// Nothing came for long: is anybody there?
async function look() {
  try {
    take(await ask("api/status"));
  } catch {
    stream.close();
    broke();
  }
}

function refused(error) {
  if (error.status === 401) fail(error);
  else if (error instanceof Away) broke();
}

function fail(error) {
  stream.close();
  if (error.status === 401) return askForKey(error);
  again(AGAIN_MS);
  if (!(error instanceof Away || error instanceof Refused)) throw error;
  tellAway(error.message);
}

function tellAway(message) {
  clearTimeout(quietTimer);
  document.body.classList.add("gone");
  say($("away"), `${message} This page goes on by itself as soon as it can.`);
  show($("away"), true);
  live.away();
}

function askForKey(error) {
  clearTimeout(quietTimer);
  clearTimeout(nextTimer);
  live.bridge.say("key", "Key needed");
  for (const id of ["live", "pair", "no-camera", "bundle", "away"]) show($(id), false);
  show($("ask"), true);
  say($("key-problem"), key.get() ? error.message : "");
  $("key").focus();
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  key.set($("key").value.trim());
  $("key").value = "";
  enter();
});

$("forget").addEventListener("click", () => {
  key.forget();
  stream.close();
  show($("forget"), false);
  enter();
});

document.addEventListener("visibilitychange", () => {
  clearTimeout(sleepTimer);
  if (document.hidden) sleepTimer = setTimeout(sleep, ASLEEP_MS);
  else if (sleepTimer === null) enter();
});

function sleep() {
  sleepTimer = null;
  visit++;
  clearTimeout(nextTimer);
  stream.close();
}

enter();
