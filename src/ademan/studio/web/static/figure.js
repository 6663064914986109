/** Points of hands and bodies, and the limbs that join them, drawn on a canvas in the colours of look.css. */

const NAMES = ["left", "right", "middle", "halo", "panel"];
const colours = new Map();
const figures = new Set();

/** Return the colour of a name, as it is in the present theme. */
function colour(canvas, name) {
  if (colours.size === 0) {
    const before = canvas.style.color; // light-dark() is resolved in a property that is a colour, and there alone
    for (const one of NAMES) {
      canvas.style.color = `var(--${one})`;
      colours.set(one, getComputedStyle(canvas).color);
    }
    canvas.style.color = before;
  }
  return colours.get(name);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  colours.clear();
  for (const figure of figures) figure.again();
});

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) for (const figure of figures) if (figure.canvas === target) figure.again();
});

/** A figure on a canvas. Left and right have colours of their own; points that were not seen are left out.
 *
 * @param {HTMLCanvasElement} canvas which the style sheet gives its size
 * @param {{points: number, limbs: [number, number][], sides: string[]}} shape sides: "left", "right" or "" of each point
 * @param {{mirrored?: boolean}} [options] mirrored: as in a mirror, as one expects to see oneself
 */
export class Figure {
  #shape;
  #sides;
  #last = null;
  #size = { width: 4, height: 3 };

  constructor(canvas, shape, { mirrored = false } = {}) {
    Object.assign(this, { canvas, mirrored });
    this.shape = shape;
    figures.add(this);
    resized.observe(canvas);
  }

  set shape(shape) {
    this.#shape = shape;
    this.#sides = shape.sides.map((side) => side || "middle");
  }

  /** Draw points.
   * @param {([number, number] | null)[] | null} points x and y as shares of the picture's width and height
   * @param {object} [options]
   * @param {CanvasImageSource | {width: number, height: number}} [options.picture] what lies beneath, or its size alone;
   *   without it, the size of the one before
   * @param {{x: number, y: number, width: number, height: number}} [options.view] the part of the picture that is
   *   shown, in shares of it; all of it by default
   */
  draw(points, { picture, view } = {}) {
    if (picture) this.#size = sizeOf(picture, this.#size);
    this.#last = { points, picture, view };
    this.again();
  }

  /** Draw nothing any more. */
  clear() {
    this.#last = null;
    this.again();
  }

  /** Let go of the canvas. */
  close() {
    figures.delete(this);
    if (![...figures].some((figure) => figure.canvas === this.canvas)) resized.unobserve(this.canvas);
  }

  /** Draw the same once more, as after a change of size. */
  again() {
    const sheet = blank(this.canvas);
    if (!sheet || !this.#last) return;
    const { points, picture, view } = this.#last;
    const box = place(this.#size, view ?? { x: 0, y: 0, width: 1, height: 1 }, sheet);
    if (isPicture(picture)) this.#paint(sheet.context, picture, box);
    if (!points) return;
    const turned = (x) => (this.mirrored ? sheet.width - x : x);
    const places = points.map((point) => point && [turned(box.x + box.width * point[0]), box.y + box.height * point[1]]);
    this.#lines(sheet.context, places, Math.max(2, Math.min(sheet.height, sheet.width) / 90));
    this.#dots(sheet.context, places, Math.max(1.8, Math.min(sheet.height, sheet.width) / 110));
  }

  #paint(context, picture, box) {
    context.save();
    if (this.mirrored) {
      context.translate(this.canvas.clientWidth, 0);
      context.scale(-1, 1);
    }
    context.drawImage(picture, box.x, box.y, box.width, box.height);
    context.restore();
  }

  #lines(context, places, width) {
    const paths = new Map(["left", "right", "middle"].map((side) => [side, new Path2D()]));
    const all = new Path2D();
    for (const [a, b] of this.#shape.limbs) {
      if (!places[a] || !places[b]) continue;
      const side = this.#sides[a] === this.#sides[b] ? this.#sides[a] : "middle";
      for (const path of [all, paths.get(side)]) {
        path.moveTo(...places[a]);
        path.lineTo(...places[b]);
      }
    }
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = colour(this.canvas, "halo"); // so that lines are seen on any picture
    context.lineWidth = width + 2;
    context.stroke(all);
    context.lineWidth = width;
    for (const [side, path] of paths) {
      context.strokeStyle = colour(this.canvas, side);
      context.stroke(path);
    }
  }

  #dots(context, places, radius) {
    places.forEach((place, i) => {
      if (!place) return;
      context.beginPath();
      context.arc(...place, radius + 1, 0, 2 * Math.PI);
      context.fillStyle = colour(this.canvas, this.#sides[i]);
      context.fill();
      context.beginPath();
      context.arc(...place, radius / 2, 0, 2 * Math.PI);
      context.fillStyle = colour(this.canvas, "panel");
      context.fill();
    });
  }
}

/** Return the part of the picture in which something is seen in any of the frames, with a margin, in shares of it.
 * @param {([number, number] | null)[][]} frames
 */
export function extent(frames) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const points of frames) {
    for (const point of points) {
      if (!point) continue;
      box.left = Math.min(box.left, point[0]);
      box.right = Math.max(box.right, point[0]);
      box.top = Math.min(box.top, point[1]);
      box.bottom = Math.max(box.bottom, point[1]);
    }
  }
  if (box.left === Infinity) return { x: 0, y: 0, width: 1, height: 1 };
  const side = Math.max(box.right - box.left, box.bottom - box.top, 0.2) * 1.2;
  return { x: (box.left + box.right - side) / 2, y: (box.top + box.bottom - side) / 2, width: side, height: side };
}

const isPicture = (picture) => picture != null && Object.getPrototypeOf(picture) !== Object.prototype;

function sizeOf(picture, before) {
  const width = picture.videoWidth ?? picture.naturalWidth ?? picture.width;
  const height = picture.videoHeight ?? picture.naturalHeight ?? picture.height;
  return width > 0 && height > 0 ? { width, height } : before;
}

/** Return where the whole picture lies so that the shown part of it is as large as fits, in the middle. */
function place(size, view, sheet) {
  const scale = Math.min(sheet.width / (size.width * view.width), sheet.height / (size.height * view.height));
  const [width, height] = [size.width * scale, size.height * scale];
  return {
    x: sheet.width / 2 - (view.x + view.width / 2) * width,
    y: sheet.height / 2 - (view.y + view.height / 2) * height,
    width,
    height,
  };
}

/** Return an empty context in CSS pixels; null for a canvas that is not shown. */
function blank(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width === 0 || height === 0) return null;
  const density = Math.min(devicePixelRatio || 1, 3);
  const [w, h] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
