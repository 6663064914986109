"use strict";
// Draws the charts in the colours of the page, and sorts tables. Reads the JSON beside it; loads nothing.
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const phone = matchMedia("(max-width: 600px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)");

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  // "@accent" becomes the page's colour of that name. A user's text stays what it is: it is never a colour.
  function coloured(value, key) {
    if (Array.isArray(value)) return value.map((item) => coloured(item, key));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, coloured(v, k)]));
    }
    const isColour = typeof value === "string" && value[0] === "@" && /color/.test(key);
    return isColour ? colour(value.slice(1)) : value;
  }

  function merged(below, above) {
    const result = { ...below };
    for (const [key, value] of Object.entries(above || {})) {
      const both = value && typeof value === "object" && !Array.isArray(value) && result[key];
      result[key] = both ? merged(result[key], value) : value;
    }
    return result;
  }

  function axes(layout) {
    const common = { gridcolor: colour("line"), zeroline: false, linecolor: colour("line"), automargin: true };
    // Touch scrolls the page rather than the chart.
    const fixed = touch.matches ? { fixedrange: true } : {};
    const names = Object.keys(layout).filter((key) => /^[xy]axis/.test(key));
    return Object.fromEntries(names.map((name) => [name, { ...common, ...fixed }]));
  }

  function layoutOf(spec, printed) {
    const frame = {
      autosize: true,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("ink") },
      hoverlabel: { bgcolor: colour("surface"), bordercolor: colour("line"), font: { color: colour("ink") } },
      margin: { l: 10, r: 14, t: 30, b: 40 },
      showlegend: false,
      dragmode: touch.matches ? false : "zoom",
    };
    const layout = merged(merged(frame, axes(spec.layout)), coloured(spec.layout, ""));
    return phone.matches && !printed && spec.narrow ? merged(layout, spec.narrow.layout) : layout;
  }

  function dataOf(spec, printed) {
    const data = coloured(spec.data, "");
    const narrow = phone.matches && !printed && spec.narrow ? spec.narrow.data || [] : [];
    return data.map((trace, i) => merged(trace, narrow[i]));
  }

  function draw(printed) {
    // No bar of buttons: it hides what is under it, and some of them send a chart away. A double click zooms out.
    const config = { responsive: true, displayModeBar: false };
    for (const place of document.querySelectorAll("[data-chart]")) {
      const spec = charts[place.dataset.chart];
      Plotly.react(place, dataOf(spec, printed), layoutOf(spec, printed), config);
    }
  }

  const NOTHING = Symbol("nothing");

  function valueOf(cell) {
    if (!("value" in cell.dataset)) return cell.textContent;
    return cell.dataset.value === "" ? NOTHING : Number(cell.dataset.value);
  }

  function compare(a, b, direction) {
    if (a === NOTHING || b === NOTHING) return (a === NOTHING) - (b === NOTHING);
    return direction * (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  }

  function sort(head) {
    const body = head.closest("table").tBodies[0];
    const falling = head.ariaSort === "none" ? head.classList.contains("number") : head.ariaSort === "ascending";
    for (const other of head.parentNode.cells) other.ariaSort = "none";
    head.ariaSort = falling ? "descending" : "ascending";
    const rows = [...body.rows].map((row) => [valueOf(row.cells[head.cellIndex]), row]);
    rows.sort(([a], [b]) => compare(a, b, falling ? -1 : 1));
    body.append(...rows.map(([, row]) => row));
  }

  for (const head of document.querySelectorAll(".sortable thead th")) {
    head.querySelector("button").addEventListener("click", () => sort(head));
  }
  for (const query of [dark, phone]) query.addEventListener("change", () => draw(false));
  addEventListener("beforeprint", () => { document.documentElement.classList.add("paper"); draw(true); });
  addEventListener("afterprint", () => { document.documentElement.classList.remove("paper"); draw(false); });
  draw(false);
})();
