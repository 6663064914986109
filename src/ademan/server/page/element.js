// Elements are found by id and made with text, never with markup: labels come from whoever trained the bundle.

export const $ = (id) => document.getElementById(id);

export function element(tag, { text, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

// A label, which may be of any language: its direction is its own.
export const labelled = (tag, text, className = "") => element(tag, { text, className, dir: "auto", title: text });

// Writing what is there already would make the browser lay the page out again.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}
