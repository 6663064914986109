// When to draw: once a frame, only what has changed, and nothing while nobody looks.

const waiting = new Set();
let asked = false;

export function redraw(draw) {
  waiting.add(draw);
  request();
}

function request() {
  if (asked || document.hidden || waiting.size === 0) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    if (document.hidden) return; // since it was asked for; what waits is drawn when somebody looks again
    const due = [...waiting];
    waiting.clear();
    for (const draw of due) draw();
  });
}

document.addEventListener("visibilitychange", request);

const styles = getComputedStyle(document.documentElement);

export const colour = (name) => styles.getPropertyValue(`--${name}`).trim();
export const font = (px, weight = 400) => `${weight} ${px}px ${getComputedStyle(document.body).fontFamily}`;

// Draws a canvas anew when its size, the screen's density or the colours change.
export function keepDrawn(canvas, draw) {
  const again = () => redraw(draw);
  new ResizeObserver(again).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  again();
}

// Returns an empty context in CSS pixels, and their number; null for a canvas that is not shown.
export function blank(canvas) {
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
