/** What was recognised lately, the newest first; each can be said to have been something else. */

import { ask } from "/static/api.js";
import { text } from "/static/texts.js";
import { toast } from "/static/toast.js";

const MOST = 20;
const language = document.documentElement.lang;
const clock = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
const percent = new Intl.NumberFormat(language, { style: "percent" });

function part(tag, words = "", kind = "") {
  const made = document.createElement(tag);
  made.textContent = words;
  made.className = kind;
  return made;
}

export class Events {
  #parts;
  #choices = [];
  #idle = "";
  #rows = new Map(); // by number within this stream
  #byId = new Map(); // by the id of the prediction
  #stream = 0;

  /** @param {{list: HTMLElement, none: HTMLElement, hint: HTMLElement, correct: Function}} parts correct(id, truth)
   *   returns null if the answer comes by `corrected` or `refused`, else a promise of it
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Say what an event may have been in truth. */
  choices(labels, idle) {
    this.#choices = labels;
    this.#idle = idle;
    this.#rows.clear(); // numbers begin anew with each stream
    this.#stream += 1;
  }

  /** Show what was recognised before this page was opened. */
  async earlier(setId) {
    const { predictions } = await ask("GET", `/api/predictions?limit=5&set=${setId}`).catch(() => ({ predictions: [] }));
    for (const { id, at_ms: time, label, confidence, truth } of predictions) {
      if (this.#byId.has(id)) continue;
      const row = this.#row(label, new Date(time));
      this.#parts.list.append(row.item);
      this.#fill(row, { id, confidence });
      if (truth) this.#noted(row, truth);
    }
    this.#tidy();
  }

  /** Take an event of the stream; it may come twice, the second time with its id. */
  take({ event, number, label, confidence, id }) {
    let row = this.#rows.get(number);
    if (!row && event === "began") {
      row = this.#row(label, new Date());
      this.#rows.set(number, row);
      this.#parts.list.prepend(row.item);
      this.#tidy();
    }
    if (row) this.#fill(row, { confidence, id: event === "began" ? id : null });
  }

  /** Show that a correction was taken in. */
  corrected({ id, truth, clip }) {
    const row = this.#byId.get(id);
    if (!row) return;
    this.#noted(row, truth);
    toast(text(clip ? "try.noted_clip" : "try.noted"));
  }

  /** Show that it was not. */
  refused({ id, message }) {
    const row = this.#byId.get(id);
    if (row) row.form.hidden = row.button.disabled = false;
    toast(message, "bad");
  }

  #tidy() {
    const { list, none, hint } = this.#parts;
    none.hidden = list.children.length > 0;
    hint.hidden = !none.hidden;
    for (const item of [...list.children].slice(MOST)) {
      if (!item.contains(document.activeElement)) item.remove();
    }
  }

  #row(label, time) {
    const item = document.createElement("li");
    const what = part("div", "", "what");
    const name = part("b", label);
    name.dir = "auto";
    const row = { item, label, id: null, share: part("span", "", "quiet number"), mark: part("span", "", "tag good") };
    row.mark.hidden = true;
    row.button = part("button", text("try.other"), "plain");
    row.button.type = "button";
    row.button.hidden = true;
    row.button.append(part("span", ` ${label}, ${clock.format(time)}`, "unseen"));
    row.button.setAttribute("aria-expanded", "false");
    row.button.addEventListener("click", () => this.#open(row));
    what.append(name, row.share, part("span", clock.format(time), "quiet"), row.mark, row.button);
    item.append(what);
    return row;
  }

  #fill(row, { confidence, id }) {
    row.share.textContent = percent.format(confidence);
    if (id === null || id === undefined) return;
    row.id = id;
    this.#byId.set(id, row);
    row.button.hidden = false;
  }

  /** Ask what it was. */
  #open(row) {
    if (row.form) {
      row.form.hidden = !row.form.hidden;
    } else {
      row.form = this.#form(row);
      row.item.append(row.form);
    }
    row.button.setAttribute("aria-expanded", String(!row.form.hidden));
    if (!row.form.hidden) row.form.querySelector("select").focus();
  }

  #form(row) {
    const form = document.createElement("form");
    const box = document.createElement("div");
    const select = document.createElement("select");
    select.id = `truth-${row.id}`;
    const label = part("label", text("try.what"));
    label.htmlFor = select.id;
    for (const one of this.#choices) {
      if (one === row.label) continue;
      select.add(new Option(one === this.#idle ? text("try.none_of_them", { idle: one }) : one, one));
    }
    box.append(label, select);
    const save = part("button", text("try.save"), "main");
    save.type = "submit";
    const cancel = part("button", text("try.cancel"));
    cancel.type = "button";
    cancel.addEventListener("click", () => this.#shut(row));
    form.addEventListener("keydown", ({ key }) => key === "Escape" && this.#shut(row));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(row, select.value);
    });
    form.append(box, save, cancel);
    return form;
  }

  #shut(row) {
    row.form.hidden = true;
    row.button.setAttribute("aria-expanded", "false");
    row.button.focus();
  }

  async #send(row, truth) {
    row.button.disabled = true;
    this.#shut(row);
    const answer = this.#parts.correct(row.id, truth);
    if (answer === null) return;
    try {
      this.corrected(await answer);
    } catch (error) {
      this.refused({ id: row.id, message: error.message || text("try.not_noted") });
    }
  }

  #noted(row, truth) {
    row.mark.textContent = text("try.was", { truth });
    row.mark.hidden = row.button.disabled = false;
    if (row.form) {
      row.form.remove();
      row.form = undefined;
    }
  }
}
