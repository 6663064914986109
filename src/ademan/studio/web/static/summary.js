/** What a recording has brought, and what its set still lacks. */

import { ask } from "/static/api.js";
import { text } from "/static/texts.js";

const ENOUGH_CLIPS = 10; // of each label: below it, a test of one part of them says little
const ENOUGH_PEOPLE = 3; // to learn from some, and to test on others

const byId = (id) => document.getElementById(id);

/** Show the summary.
 * @param {number} setId
 * @param {string} idle label of clips without a gesture
 * @param {{prompt: object}[]} kept
 */
export async function showSummary(setId, idle, kept) {
  const root = byId("summary");
  root.hidden = false;
  root.focus();
  byId("summary-lead").textContent = text(kept.length ? "session.kept" : "session.kept_none", { count: kept.length });
  byId("advice").replaceChildren();
  byId("summary-table").tBodies[0].replaceChildren();
  try {
    const { labels, people } = await ask("GET", `/api/sets/${setId}/coverage`);
    byId("summary-table").tBodies[0].append(...labels.map((label) => row(label, idle, kept)));
    byId("advice").append(...advice(labels, people, idle).map((words) => item(words)));
  } catch (error) {
    byId("advice").append(item(text("session.no_summary", { why: error.message })));
  }
}

function row(label, idle, kept) {
  const now = kept.filter(({ prompt }) => (prompt.idle ? idle : prompt.name) === label.label).length;
  const found = document.createElement("tr");
  const head = document.createElement("th");
  Object.assign(head, { scope: "row", dir: "auto", textContent: label.label });
  const lacking = Math.max(0, ENOUGH_CLIPS - label.clips);
  const words = lacking ? text("session.lacking", { count: lacking }) : text("session.enough");
  found.append(
    head,
    cell("session.now_short", now),
    cell("session.yours", label.mine),
    cell("session.everybody", label.clips),
    cell("session.lacks", words, lacking ? "tag warn" : "tag good"),
  );
  return found;
}

function cell(key, content, tag) {
  const found = document.createElement("td");
  found.dataset.name = text(key);
  if (tag) {
    const inner = document.createElement("span");
    Object.assign(inner, { className: tag, textContent: content });
    found.append(inner);
  } else {
    Object.assign(found, { className: "number", textContent: content });
  }
  return found;
}

function advice(labels, people, idle) {
  const few = labels.filter(({ clips }) => clips < ENOUGH_CLIPS);
  const none = labels.find(({ label, clips }) => label === idle && clips === 0);
  return [
    few.length ? text("session.advice_few", { labels: few.map(({ label }) => label).join(", "), count: ENOUGH_CLIPS }) : "",
    none ? text("session.advice_idle", { idle }) : "",
    people < 2 ? text("session.advice_alone") : people < ENOUGH_PEOPLE ? text("session.advice_two") : "",
    text("session.advice_review"),
  ].filter(Boolean);
}

function item(words) {
  const found = document.createElement("li");
  found.textContent = words;
  return found;
}
