// Numbers and times as people read them.

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
export const seconds = (ms) => `${(ms / 1000).toFixed(1)}\u00a0s`;
export const timeOfDay = (date) => (Number.isNaN(date.getTime()) ? "–" : clock.format(date));
export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export function megabytes(bytes) {
  return bytes < 1e5 ? `${Math.ceil(bytes / 1000)}\u00a0kB` : `${(bytes / 1e6).toFixed(1)}\u00a0MB`;
}
