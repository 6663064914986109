/** My clips: small figures that move where one points at them, and one clip as large as it fits. */

import { ask } from "/static/api.js";
import { replay } from "/static/replay.js";
import { text } from "/static/texts.js";

const AT_ONCE = 3; // requests for points
const FRAMES = 40; // of a small figure

const waiting = [];
let asking = 0;

/** Return the points of a clip; no more than a few are asked for at the same time. */
async function pointsOf(id, most = "") {
  if (asking >= AT_ONCE) await new Promise((go) => waiting.push(go));
  asking += 1;
  try {
    return await ask("GET", `/api/clips/${id}/points${most && `?most=${most}`}`);
  } finally {
    asking -= 1;
    waiting.shift()?.();
  }
}

/** One clip of the list. */
class Card {
  #player = null;

  constructor(root) {
    this.root = root;
    this.button = root.querySelector(".play");
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.button.addEventListener("click", () => this.#move(!this.#player?.playing));
    root.addEventListener("pointerenter", (event) => this.#pointed(event.pointerType === "mouse"));
    root.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#move(false));
    root.querySelector("a").addEventListener("focus", () => this.#pointed(true));
    root.querySelector("a").addEventListener("blur", () => this.#move(false));
  }

  async load() {
    const canvas = this.root.querySelector("canvas");
    try {
      const clip = await pointsOf(this.root.dataset.clip, FRAMES);
      this.#player = replay(canvas, clip.shape, clip, { close: true, start: false, controls: false });
      this.button.hidden = false;
      this.root.dataset.drawn = "yes";
    } catch (error) {
      canvas.title = error.message; // damaged or deleted meanwhile; its page says more
      this.root.dataset.drawn = "no";
    }
  }

  #pointed(moves) {
    if (moves && !this.still.matches) this.#move(true);
  }

  #move(on) {
    if (!this.#player || on === this.#player.playing) return;
    if (on) this.#player.play();
    else this.#player.pause();
    this.button.setAttribute("aria-pressed", String(on));
  }
}

/** Draw the clips of the list as they come into view, and count those that are ticked. */
function list(form) {
  const cards = new Map([...form.querySelectorAll("[data-clip]")].map((root) => [root, new Card(root)]));
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        cards.get(target).load();
      }
    },
    { rootMargin: "200px" },
  );
  for (const root of cards.keys()) seen.observe(root);

  const boxes = [...form.querySelectorAll(".tick input")];
  const all = document.getElementById("tick-all");
  all.hidden = false;
  const count = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    document.getElementById("ticked").textContent = ticked ? text("clips.ticked", { count: ticked }) : "";
    all.textContent = text(ticked === boxes.length ? "clips.tick_none" : "clips.tick_all");
    form.querySelector("button.danger").disabled = ticked === 0;
  };
  form.addEventListener("change", count);
  all.addEventListener("click", () => {
    const on = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = on;
    count();
  });
  addEventListener("pageshow", count); // going back, the browser may have ticked some
  count();
}

/** Replay one clip, and say so where that cannot be done. */
async function one(panel) {
  const canvas = panel.querySelector("canvas");
  try {
    const clip = await pointsOf(panel.dataset.replay);
    canvas.style.aspectRatio = `${clip.width} / ${Math.max(clip.height, clip.width * 0.5)}`;
    replay(canvas, clip.shape, clip, { controls: true });
    const figures = { fps: clip.fps.toFixed(0), seen: Math.round(clip.seen * 100) };
    panel.querySelector("[role=status]").textContent = text("clips.rate", figures);
  } catch (error) {
    const notice = panel.querySelector("[role=status]");
    notice.className = "notice bad";
    notice.textContent = text("clips.unreadable", { why: error.message });
  }
}

const form = document.querySelector("form.mine");
if (form) list(form);
const panel = document.querySelector("[data-replay]");
if (panel) one(panel);
