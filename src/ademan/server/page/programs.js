// Addresses for programs, to copy.

import { address, key } from "./api.js";
import { $, element, say } from "./element.js";

// Quotes that every shell understands, Windows' too.
const quoted = (text) => (/^[\w:/.@=~+-]+$/.test(text) ? text : `"${text}"`);
const header = () => (key.get() ? ' -H "X-API-Key: KEY"' : "");

// bundle: the name to ask for, or undefined for the server's own.
export function showAddresses({ bundle, camera }) {
  const call = (path, query = { bundle }) => quoted(address(path, query)) + header();
  const lines = [
    ["A clip", `curl ${call("predict/video")} -F file=@clip.mp4`],
    ["Points", `curl ${call("predict")} -H "Content-Type: application/json" -d @points.json`],
    ["Live streams of points, Socket.IO", address("gestures")],
  ];
  if (camera) lines.push(["What the camera sees, as it happens", `curl -N ${call("api/stream", {})}`]);
  list($("addresses"), lines);
}

export function showCommands(name) {
  const path = quoted(name ?? "bundle");
  list($("no-camera-commands"), [
    ["A camera", `ademan serve ${path} --camera 0`],
    ["A video, again and again", `ademan serve ${path} --camera evening.mp4 --loop`],
  ]);
}

function list(place, lines) {
  const rows = [...place.querySelectorAll(".address")];
  const shown = rows.map((row) => row.querySelector("code").textContent);
  if (shown.join("\n") === lines.map(([, text]) => text).join("\n")) return;
  place.replaceChildren(...lines.map(([title, text]) => line(title, text)));
}

function line(title, text) {
  const row = $("address").content.firstElementChild.cloneNode(true);
  const [name, code, button] = ["p", "code", "button"].map((tag) => row.querySelector(tag));
  name.textContent = title;
  // Lines are broken between words: an option is not parted from its hyphen.
  code.append(...text.split(/( )/).map((word) => (word === " " ? word : element("span", { text: word }))));
  button.append(" ", element("span", { className: "unseen", text: title }));
  button.addEventListener("click", () => copy(code, button.firstChild));
  return row;
}

async function copy(code, word) {
  const done = await copied(code);
  say($("copy-said"), done ? "" : "It is selected: copy it with the keyboard.");
  if (!done) return;
  word.data = "Copied";
  setTimeout(() => (word.data = "Copy"), 2000);
}

// Browsers have a clipboard for pages only over https or on this very machine; elsewhere the selection is copied.
async function copied(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  }
}
