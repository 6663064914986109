/** Times are sent in UTC; show them as the reader's clock and language do. */

const exact = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

/** Show all times below an element. */
export function showTimes(root = document) {
  for (const time of root.querySelectorAll("time[datetime]")) time.textContent = exact.format(new Date(time.dateTime));
}

showTimes();
