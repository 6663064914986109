/** The values of charts where one points, or goes by arrow keys; and days by the reader's own clock.
 *
 * A chart's values are read from the table below it, so both always say the same.
 */

import { text } from "./texts.js";

const ZONE_COOKIE = "ademan-zone";

/** Tell the studio which time zone this is, and ask again if the page is of another one. */
function useOwnZone() {
  const { zone: shown, zoneSeen: seen } = document.getElementById("figures").dataset;
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!own || own === seen) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${ZONE_COOKIE}=${own}; path=/; max-age=31536000; SameSite=Lax${secure}`;
  const isKept = document.cookie.split("; ").includes(`${ZONE_COOKIE}=${own}`);
  if (isKept && own !== shown && !new URLSearchParams(location.search).get("zone")) location.reload();
}

/** Let a chart show the values of a column. */
function follow(chart) {
  const plot = chart.querySelector(".plot");
  const area = plot.querySelector(".area");
  const tip = plot.querySelector(".tip");
  const pointer = plot.querySelector(".pointer");
  const names = [...chart.querySelectorAll("thead th")].slice(1).map((one) => one.textContent);
  const rows = [...chart.querySelectorAll("tbody tr")];
  let shown = -1;

  function hide() {
    shown = -1;
    tip.hidden = true;
    pointer.setAttribute("visibility", "hidden");
  }

  function show(column) {
    if (column === shown) return;
    shown = column;
    const [head, ...cells] = [...rows[column].cells].map((cell) => cell.textContent);
    const title = document.createElement("p");
    title.textContent = head;
    const list = document.createElement("dl");
    cells.forEach((cell, i) => {
      if (cells.length > 2 && cell === "0") return;
      const name = document.createElement("dt");
      const value = document.createElement("dd");
      name.textContent = names[i];
      value.textContent = cell;
      list.append(name, value);
    });
    tip.replaceChildren(title, list);
    tip.hidden = false;
    const share = (column + 0.5) / rows.length;
    for (const end of ["x1", "x2"]) pointer.setAttribute(end, `${100 * share}%`);
    pointer.setAttribute("visibility", "visible");
    place(share);
  }

  /** Put the values beside the column, on the side where there is more room. */
  function place(share) {
    const from = area.getBoundingClientRect();
    const left = from.left - plot.getBoundingClientRect().left + share * from.width;
    const wanted = share > 0.5 ? left - tip.offsetWidth - 12 : left + 12;
    tip.style.left = `${Math.max(0, Math.min(wanted, plot.clientWidth - tip.offsetWidth))}px`;
  }

  plot.tabIndex = 0;
  plot.setAttribute("aria-description", text("figures.tip_keys"));
  plot.addEventListener("pointermove", (event) => {
    const { left, width } = area.getBoundingClientRect();
    const column = Math.floor(((event.clientX - left) / width) * rows.length);
    if (column >= 0 && column < rows.length) show(column);
    else hide();
  });
  plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());
  plot.addEventListener("blur", hide);
  plot.addEventListener("keydown", (event) => {
    const last = rows.length - 1;
    const next = {
      ArrowLeft: Math.max(0, (shown < 0 ? rows.length : shown) - 1),
      ArrowRight: Math.min(last, shown + 1),
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === "Escape") hide();
    if (next === undefined) return;
    event.preventDefault();
    show(next);
  });
}

if (document.getElementById("figures")) useOwnZone();
for (const chart of document.querySelectorAll("[data-chart]")) follow(chart);
