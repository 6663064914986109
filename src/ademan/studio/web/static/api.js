/** Ask the studio for something, as the one who is signed in.
 *
 * What changes something carries the token of the session, without which it is refused.
 */

const token = document.querySelector('meta[name="csrf-token"]').content;

/** What was asked for was refused: `code` for programs, `message` for people, `status` of HTTP. */
export class Refused extends Error {
  constructor(status, { code = "failed", message = "" } = {}) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Return what a path of the studio answers, read from JSON.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] sent as JSON; a Blob or FormData as it is
 * @param {AbortSignal} [signal]
 */
export async function ask(method, path, body, signal) {
  const headers = { Accept: "application/json", "X-CSRF-Token": token };
  const raw = body === undefined || body instanceof Blob || body instanceof FormData;
  if (!raw) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: raw ? body : JSON.stringify(body), signal });
  if (answer.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  const content = answer.status === 204 ? null : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, content?.error);
  return content;
}
