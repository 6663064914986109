/** A job as it goes on; asked for while the page is seen, until it is over. On the page of all jobs: their states. */

import { ask } from "/static/api.js";
import { text } from "/static/texts.js";

const LOOK_MS = 1500;
const MANY_LOOK_MS = 4000;
const NO_LINES = 2 ** 31 - 1;
const LONGEST_PAUSE_MS = 15_000;
const STEP = 0.1; // of the progress that a screen reader is told of
const STATES = {
  queued: ["jobs.queued", ""],
  running: ["jobs.running", "accent"],
  done: ["jobs.done", "good"],
  failed: ["jobs.failed", "bad"],
  cancelled: ["jobs.cancelled", "warn"],
};
const language = document.documentElement.lang;
const clock = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
const share = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
const find = (id) => document.getElementById(id);

/** Call something again and again while the page is seen, less often when it fails; until it returns true. */
function repeat(look, everyMs, onTrouble = () => {}) {
  let pauseMs = everyMs;
  let timer = 0;
  let busy = false;
  const go = async () => {
    clearTimeout(timer);
    if (busy || document.hidden) return;
    busy = true;
    try {
      if (await look()) return void document.removeEventListener("visibilitychange", go);
      pauseMs = everyMs;
      onTrouble(false);
    } catch (error) {
      if (error.status === 404) return void location.reload();
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      onTrouble(true);
    } finally {
      busy = false;
    }
    timer = setTimeout(go, pauseMs);
  };
  document.addEventListener("visibilitychange", go);
  go();
}

function duration(ms) {
  const s = Math.round(ms / 1000);
  if (s < 60) return text("time.seconds", { s });
  if (s < 3600) return text("time.minutes", { m: Math.floor(s / 60), s: s % 60 });
  return text("time.hours", { h: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
}

function tag(element, state) {
  const [key, kind] = STATES[state];
  element.textContent = text(key);
  element.className = `tag ${kind}`;
}

function write(element, words) {
  if (element && element.textContent !== words) element.textContent = words;
}

function addLines(lines) {
  const log = find("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  for (const line of lines) {
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = new Date(line.at_ms).toISOString();
    time.textContent = clock.format(line.at_ms);
    const words = document.createElement("span");
    words.textContent = line.text;
    item.append(time, " ", words);
    log.append(item);
  }
  find("no-lines").hidden = log.childElementCount > 0;
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function followJob(panel) {
  let told = { state: panel.dataset.state, progress: 0 };
  const look = async () => {
    const job = await ask("GET", `/api/jobs/${panel.dataset.job}?after=${panel.dataset.last}`);
    if (job.lines.length > 0) {
      addLines(job.lines);
      panel.dataset.last = job.lines.at(-1).id;
    }
    tag(find("state"), job.state);
    find("progress").value = job.progress;
    write(find("message"), job.message);
    write(find("took"), job.took_ms > 0 ? duration(job.took_ms) : "–");
    write(find("heard"), job.heard_ms === null ? "–" : text("time.ago", { s: Math.round(job.heard_ms / 1000) }));
    write(find("attempts"), String(job.attempts));
    write(find("worker"), job.worker ?? "–");
    find("no-worker").hidden = !job.no_worker;
    const button = document.querySelector("#cancel button");
    if (button && job.cancel_asked) {
      button.disabled = true;
      write(button, text("jobs.cancelling"));
    }
    if (job.state !== told.state || job.progress >= told.progress + STEP || job.progress < told.progress) {
      const words = text(STATES[job.state][0]);
      find("told").textContent = job.state === "running" ? `${words}, ${share.format(job.progress)}` : words;
      told = { state: job.state, progress: job.progress };
    }
    if (job.is_over) location.reload(); // the result, and what can be done now, are the server's to show
    return job.is_over;
  };
  repeat(look, LOOK_MS, (isAway) => (find("away").hidden = !isAway));
}

function followAll(rows) {
  const open = new Set(rows);
  repeat(async () => {
    for (const row of open) {
      const job = await ask("GET", `/api/jobs/${row.dataset.job}?after=${NO_LINES}`);
      tag(row.querySelector("[data-state]"), job.state);
      const progress = row.querySelector("progress");
      progress.hidden = job.state !== "running";
      progress.value = job.progress;
      if (job.is_over) open.delete(row);
    }
    return open.size === 0;
  }, MANY_LOOK_MS);
}

const panel = find("job");
const log = find("log");
if (log) {
  for (const time of log.querySelectorAll("time")) time.textContent = clock.format(new Date(time.dateTime));
  log.scrollTop = log.scrollHeight;
}
if (panel && !("over" in panel.dataset)) followJob(panel);
const rows = [...document.querySelectorAll("#recent [data-open]")].slice(0, 10);
if (rows.length > 0) followAll(rows);
