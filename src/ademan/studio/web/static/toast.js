/** Tell something in passing; screen readers say it when they have finished what they say.
 * @param {string} text what is told
 * @param {"good" | "bad"} kind
 */
export function toast(text, kind = "good") {
  const line = document.createElement("p");
  line.className = kind;
  line.textContent = text;
  document.getElementById("toasts").append(line);
  vanish(line);
}

const SHOWN_MS = 8000;

/** Remove a line after a while, but not while it is pointed at. */
function vanish(line) {
  setTimeout(() => (line.matches(":hover") ? vanish(line) : line.remove()), SHOWN_MS);
}

for (const line of document.querySelectorAll("#toasts p")) vanish(line);
