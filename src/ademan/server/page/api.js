// What the server is asked, and how it refuses. The key, if there is one, lives as long as the tab.

import { ofTheTab } from "./memory.js";

const KEPT = "ademan.key";
const PATIENCE_MS = 8000;

export const key = {
  get: () => ofTheTab.get(KEPT),
  set: (text) => ofTheTab.set(KEPT, text),
  forget: () => ofTheTab.set(KEPT, ""),
};

// The server answered, and said no.
export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// The server did not answer.
export class Away extends Error {}

// Addresses are relative to the page, so that it works behind a proxy that serves it under another path.
export function address(path, query = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  return url.href;
}

const headers = () => (key.get() ? { "X-API-Key": key.get() } : {});

function refusal(status, body) {
  const error = body?.error ?? {};
  return new Refused(status, error.code ?? "", error.message ?? `The server answered with status ${status}.`);
}

export async function ask(path, post) {
  const options = { headers: headers(), cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
  if (post !== undefined) {
    Object.assign(options, { method: "POST", body: JSON.stringify(post) });
    options.headers["Content-Type"] = "application/json";
  }
  let response, body;
  try {
    response = await fetch(address(path), options);
    body = await response.json().catch(() => null);
  } catch {
    throw new Away("The server does not answer.");
  }
  if (response.ok && body !== null) return body;
  // What stands before the server, such as a proxy, answers these when the server itself is away.
  if ([502, 504].includes(response.status) && !body?.error) throw new Away("The server does not answer.");
  throw refusal(response.status, body);
}

// fetch cannot tell how much of a body was sent; XMLHttpRequest can.
export function sendClip(file, { bundle, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address("predict/video", { bundle }));
    request.responseType = "json";
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.upload.onload = () => onProgress(1);
    request.onload = () => {
      const good = request.status === 200 && request.response;
      if (good) resolve(request.response);
      else reject(refusal(request.status, request.response));
    };
    request.onerror = () =>
      reject(new Away("The connection broke while the clip was sent. It may be larger than the server takes."));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    // Some systems do not know that a file is a video; whether it is one, the server finds out.
    request.setRequestHeader("Content-Type", file.type.startsWith("video/") ? file.type : "application/octet-stream");
    request.send(file);
  });
}
