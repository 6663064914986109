/** Review: decisions without leaving the page, by keys too; clips that move; what somebody else decided is told. */

import { ask, Refused } from "/static/api.js";
import { replay } from "/static/replay.js";
import { text } from "/static/texts.js";
import { toast } from "/static/toast.js";

const KEYS = "ademan-review-keys"; // whether single keys decide, as chosen in this browser
const STATES = { new: "review.new", accepted: "review.accepted", excluded: "review.excluded" };
const KINDS = { new: "", accepted: "good", excluded: "bad" };
const TOLD = { new: "review.told_new", accepted: "review.told_accepted", excluded: "review.told_excluded" };
const WHY = { changed: "review.changed", gone: "review.gone", nameless: "review.nameless", bad: "review.refused" };
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;
const BUSY = new Set([429, 502, 503, 504]);

/** A clip as it stands: its state, and what it is said to show. */
const standing = (card) => ({
  state: card.dataset.state,
  gesture: card.dataset.gesture === "" ? null : Number(card.dataset.gesture),
  idle: card.dataset.idle === "yes",
});
const named = (value) => ({ gesture: /^\d+$/.test(value) ? Number(value) : null, idle: value === "idle" });
const valueOf = ({ gesture, idle }) => (idle ? "idle" : gesture === null ? "-" : String(gesture));
const same = (one, other) =>
  one.state === other.state && one.gesture === other.gesture && one.idle === other.idle;

class Board {
  #form;
  #cards;
  #current = null;
  #done = []; // what can be undone: for each decision, how the clips stood before
  #waiting = 0; // decisions that the studio has not answered yet
  #undo = document.getElementById("undo");
  #keys = document.getElementById("keys-on");
  #films;

  constructor(form) {
    this.#form = form;
    this.#cards = [...form.querySelectorAll(".card")];
    form.addEventListener("submit", (event) => this.#submit(event));
    form.addEventListener("change", (event) => this.#changed(event));
    form.addEventListener("focusin", (event) => this.#meet(event.target.closest(".card")));
    form.addEventListener("pointerover", (event) => this.#play(event.target.closest(".card")));
    document.addEventListener("keydown", (event) => this.#pressed(event));
    addEventListener("beforeunload", (event) => this.#waiting && event.preventDefault());
    this.#undo.hidden = document.getElementById("all").parentElement.hidden = false;
    document.getElementById("keys").hidden = false;
    this.#undo.addEventListener("click", () => this.#undoLast());
    this.#keys.checked = localStorage.getItem(KEYS) !== "off";
    this.#keys.addEventListener("change", () => localStorage.setItem(KEYS, this.#keys.checked ? "on" : "off"));
    for (const card of this.#cards) card.tabIndex = -1;
    if (this.#cards[0]) this.#cards[0].tabIndex = 0;
    // One's own button to name a clip is for browsers without scripts; here choosing is enough.
    for (const button of form.querySelectorAll("[data-do=label]")) button.hidden = true;
    this.#films = new Films(this.#cards);
    this.#count();
  }

  #submit(event) {
    event.preventDefault();
    const { name, value } = event.submitter ?? {};
    if (name === "one") return void this.#decide([document.getElementById(`card-${value.split(" ")[1]}`)], value.split(" ")[0]);
    const ticked = this.#cards.filter((card) => card.querySelector("[type=checkbox]").checked);
    if (ticked.length === 0) return void toast(text("review.none_ticked"), "bad");
    this.#decide(ticked, value, document.getElementById("label").value);
  }

  #changed({ target }) {
    if (target.id === "all") {
      for (const card of this.#cards) card.querySelector("[type=checkbox]").checked = target.checked;
    }
    const card = target.closest(".card");
    if (card && target.matches("select")) this.#decide([card], "label", target.value);
    this.#count();
  }

  #count() {
    const count = this.#cards.filter((card) => card.querySelector("[type=checkbox]").checked).length;
    document.getElementById("ticked").textContent = text("review.count_ticked", { count });
  }

  /** Decide about clips: `action` is a state, or 'label' with the value of a name. */
  #decide(cards, action, label = "") {
    const wishes = cards.map((card) => {
      const seen = standing(card);
      return { id: card.dataset.id, seen, wanted: action === "label" ? { ...seen, ...named(label) } : { ...seen, state: action } };
    });
    return this.#wish(wishes.filter(({ seen, wanted }) => !same(seen, wanted)), { undoable: true });
  }

  async #wish(wishes, { undoable }) {
    if (wishes.length === 0) return;
    const cards = wishes.map(({ id }) => document.getElementById(`card-${id}`));
    for (const card of cards) card.classList.add("waiting");
    this.#waiting += 1;
    try {
      const answer = await insist(() => ask("POST", "/api/review", { clips: wishes }));
      this.#took(wishes, answer, undoable);
    } catch (error) {
      toast(error instanceof Refused && error.message ? error.message : text("review.failed"), "bad");
      for (const card of cards) card.querySelector("select").value = valueOf(standing(card));
    } finally {
      this.#waiting -= 1;
      for (const card of cards) card.classList.remove("waiting");
    }
  }

  #took(wishes, { clips, refused, counts }, undoable) {
    const now = new Map(clips.map((clip) => [clip.id, clip]));
    for (const { id } of wishes) show(document.getElementById(`card-${id}`), now.get(id), refused[id]);
    for (const [state, count] of Object.entries(counts[this.#form.dataset.set] ?? {})) {
      document.querySelector(`[data-count="${state}"]`).textContent = count;
    }
    const kept = wishes.filter(({ id }) => !(id in refused));
    if (kept.length > 0 && undoable) this.#done.push(kept);
    this.#undo.disabled = this.#done.length === 0;
    for (const why of new Set(Object.values(refused))) {
      toast(text(WHY[why], { count: Object.values(refused).filter((one) => one === why).length }), "bad");
    }
    if (kept.length > 0) toast(told(kept));
    this.#onward();
  }

  #undoLast() {
    const last = this.#done.pop();
    this.#undo.disabled = this.#done.length === 0;
    if (!last) return;
    this.#wish(last.map(({ id, seen, wanted }) => ({ id, seen: wanted, wanted: seen })), { undoable: false });
    const card = document.getElementById(`card-${last[0].id}`);
    if (document.activeElement !== this.#undo) card?.focus();
  }

  /** Let the link to further clips leave out those that belong to this page's state no more. */
  #onward() {
    const link = document.getElementById("onward");
    if (!link) return;
    const left = this.#cards.filter((card) => card.dataset.state === this.#form.dataset.state).length;
    const address = new URL(link.href);
    const offset = Number(this.#form.dataset.offset) + left;
    if (offset > 0) address.searchParams.set("offset", offset);
    else address.searchParams.delete("offset");
    link.href = address.pathname + address.search;
  }

  #pressed(event) {
    const { key, target } = event;
    const typing = target.closest("select, input:not([type=checkbox]), textarea, .replay");
    const elsewhere = target !== document.body && !this.#form.contains(target);
    if (!this.#keys.checked || typing || elsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
    const states = { a: "accepted", x: "excluded", n: "new" };
    const card = this.#current ?? this.#cards[0];
    const lower = key.toLowerCase();
    if (["j", "arrowdown"].includes(lower)) this.#move(1);
    else if (["k", "arrowup"].includes(lower)) this.#move(-1);
    else if (lower === "u") this.#undoLast();
    else if (lower in states) this.#decideAndMove(card, states[lower]);
    else if (lower === "s") card.querySelector("[type=checkbox]").click();
    else if (/^\d$/.test(key)) this.#name(card, Number(key));
    else return;
    event.preventDefault();
  }

  #decideAndMove(card, state) {
    this.#decide([card], state);
    this.#meet(card);
    if (card !== this.#cards.at(-1)) this.#move(1);
  }

  #name(card, digit) {
    const values = [...card.querySelector("select").options].map((one) => one.value);
    const value = digit === 0 ? "idle" : values.filter((one) => /^\d+$/.test(one))[digit - 1];
    if (value !== undefined) this.#decide([card], "label", value);
  }

  #move(by) {
    const at = this.#current ? this.#cards.indexOf(this.#current) + by : 0;
    const card = this.#cards[Math.min(Math.max(at, 0), this.#cards.length - 1)];
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest", behavior: STILL.matches ? "auto" : "smooth" });
  }

  /** Let a card be the one that keys mean. */
  #meet(card) {
    if (!card || card === this.#current) return;
    if (this.#current) this.#current.tabIndex = -1;
    this.#current?.classList.remove("current");
    this.#current = card;
    card.tabIndex = 0;
    card.classList.add("current");
    this.#play(card);
  }

  #play(card) {
    if (card) this.#films.play(card.querySelector("canvas"));
  }
}

/** Return what a decision is told as. */
function told(wishes) {
  const states = new Set(wishes.map(({ seen, wanted }) => (seen.state === wanted.state ? "" : wanted.state)));
  const [state] = states;
  return text((states.size === 1 && TOLD[state]) || "review.kept", { count: wishes.length });
}

/** Show how a clip stands now; `clip` is undefined if it is gone. */
function show(card, clip, why) {
  if (!clip) {
    card.classList.add("gone");
    for (const one of card.querySelectorAll("button, select, input")) one.disabled = true;
    card.querySelector("[data-tag]").textContent = text("review.is_gone");
    return;
  }
  Object.assign(card.dataset, { state: clip.state, gesture: clip.gesture ?? "", idle: clip.idle ? "yes" : "" });
  card.querySelector("h2").textContent = clip.label ?? text("review.nothing");
  const tag = card.querySelector("[data-tag]");
  tag.textContent = text(STATES[clip.state]);
  tag.className = `tag ${KINDS[clip.state]}`;
  if (why === "changed" && clip.by) tag.textContent = text("review.state_by", { state: tag.textContent, name: clip.by });
  card.querySelector("select").value = valueOf(clip);
  card.querySelector("[type=checkbox]").checked = false;
  for (const button of card.querySelectorAll("[data-do]")) {
    if (button.dataset.do === clip.state && clip.state !== "new") button.setAttribute("aria-pressed", "true");
    else button.removeAttribute("aria-pressed");
  }
}

/** Return what the studio answers; as long as it cannot be reached, or is busy, it is asked again. */
async function insist(asking) {
  for (let pauseMs = FIRST_PAUSE_MS, told = false; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await asking();
    } catch (error) {
      if (error instanceof Refused && !BUSY.has(error.status)) throw error;
    }
    if (!told) toast(text("review.away"), "bad");
    told = true;
    await new Promise((go) => setTimeout(go, pauseMs));
  }
}

/** The figures of the clips, each asked for when it comes into sight; one moves at a time. */
class Films {
  #players = new Map();
  #moving = null;
  #wanted = null;

  constructor(cards) {
    const seen = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue;
          seen.unobserve(target);
          this.#load(target);
        }
      },
      { rootMargin: "300px" },
    );
    for (const card of cards) seen.observe(card.querySelector("canvas"));
  }

  play(canvas) {
    this.#wanted = canvas;
    const player = this.#players.get(canvas);
    if (!player || player === this.#moving || STILL.matches) return;
    this.#moving?.pause();
    this.#moving = player;
    player.play();
  }

  async #load(canvas) {
    try {
      const clip = await ask("GET", `/api/clips/${canvas.dataset.clip}/points`);
      this.#players.set(canvas, replay(canvas, clip.shape, clip, { close: true, start: false, controls: STILL.matches }));
      if (this.#wanted === canvas) this.play(canvas);
    } catch (error) {
      canvas.setAttribute("aria-label", text(error.status === 404 ? "review.figure_gone" : "review.figure_failed"));
      canvas.classList.add("lost");
    }
  }
}

const form = document.getElementById("clips");
if (form) new Board(form);
for (const select of document.querySelectorAll("#filters select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
