// The points of whoever is before the camera, and the limbs that join them.

import { $ } from "./element.js";
import { blank, colour, keepDrawn, redraw } from "./paint.js";

const SIDES = ["left", "right"];
const COLOURS = { left: "colour2", right: "colour1", none: "colour3" };

const sideOf = (name) => SIDES.find((side) => name.startsWith(`${side}_`)) ?? "none";

// Returns where the picture lies in a space of this size: as large as fits, in the middle.
function fitted([w, h], width, height) {
  const scale = Math.min(width / w, height / h);
  return { x: (width - w * scale) / 2, y: (height - h * scale) / 2, w: w * scale, h: h * scale };
}

export class Picture {
  #limbs = [];
  #sides = [];
  #points = null;
  #size = [16, 9];

  constructor(canvas) {
    this.canvas = canvas;
    this.mirrored = true;
    keepDrawn(canvas, this.#draw);
  }

  // definition: of a skeleton as a manifest has it, limbs as pairs of names.
  setSkeleton({ points, limbs }) {
    const index = new Map(points.map((name, i) => [name, i]));
    this.#limbs = (limbs ?? []).map(([a, b]) => [index.get(a), index.get(b)]);
    this.#sides = points.map(sideOf);
    redraw(this.#draw);
  }

  show({ points, image_wh: size }) {
    if (size && size[0] > 0 && size[1] > 0 && String(size) !== String(this.#size)) {
      this.#size = size;
      const aspect = Math.min(Math.max(size[0] / size[1], 1), 16 / 9);
      $("view").style.setProperty("--aspect", aspect);
    }
    this.#points = points;
    redraw(this.#draw);
    return points.some((point) => point !== null);
  }

  clear() {
    if (this.#points === null) return;
    this.#points = null;
    redraw(this.#draw);
  }

  setMirrored(mirrored) {
    this.mirrored = mirrored;
    redraw(this.#draw);
  }

  #draw = () => {
    const sheet = blank(this.canvas);
    if (!sheet) return;
    const { context, width, height } = sheet;
    const box = fitted(this.#size, width, height);
    context.fillStyle = colour("surface");
    context.fillRect(box.x, box.y, box.w, box.h);
    if (!this.#points) return;
    const places = this.#points.map(
      (point) => point && [box.x + box.w * (this.mirrored ? 1 - point[0] : point[0]), box.y + box.h * point[1]],
    );
    this.#lines(context, places, box);
    this.#dots(context, places, box);
  };

  #lines(context, places, box) {
    context.lineCap = "round";
    context.lineWidth = Math.max(2, box.h / 150);
    for (const side of Object.keys(COLOURS)) {
      context.strokeStyle = colour(COLOURS[side]);
      context.beginPath();
      for (const [a, b] of this.#limbs) {
        if (!places[a] || !places[b] || this.#sides[a] !== side) continue;
        context.moveTo(...places[a]);
        context.lineTo(...places[b]);
      }
      context.stroke();
    }
  }

  #dots(context, places, box) {
    context.fillStyle = colour("ink");
    const radius = Math.max(1.6, box.h / 190);
    context.beginPath();
    for (const place of places) {
      if (!place) continue;
      context.moveTo(place[0] + radius, place[1]);
      context.arc(...place, radius, 0, 2 * Math.PI);
    }
    context.fill();
  }
}
