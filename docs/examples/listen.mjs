// Prints what a server's camera sees (ademan serve BUNDLE --camera 0), each event as one line of JSON:
//   node listen.mjs http://127.0.0.1:8000 sse     by server-sent events; in a browser `new EventSource(...)` does it, too
//   node listen.mjs http://127.0.0.1:8000 socket  by Socket.IO, with the library that the server itself serves
// A key goes into the variable ADEMAN_API_KEY. In a browser:  import { bySocket } from "./listen.mjs"

export async function bySse(url, onEvent, key = "") {
  const answer = await fetch(`${url}/api/stream`, { headers: key ? { "X-API-Key": key } : {} });
  if (!answer.ok) throw new Error(await answer.text());
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "", part = await reader.read(); !part.done; part = await reader.read()) {
    const blocks = (text + part.value.replaceAll("\r", "")).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
      if (fields.data) onEvent(fields.event, JSON.parse(fields.data));
    }
  }
}

export async function bySocket(url, onEvent, key = "") {
  const place = `${url}/static/socket.io.esm.min.js`;
  const code = async () => `data:text/javascript,${encodeURIComponent(await (await fetch(place)).text())}`;
  const { io, Fetch } = await import(typeof document === "undefined" ? await code() : place); // Node imports no http:
  const transports = typeof WebSocket === "undefined" ? [Fetch] : ["websocket"]; // Node 20 has no WebSocket of its own
  const socket = io(`${url}/gestures`, { auth: { key }, transports });
  socket.on("connect_error", (error) => console.error(error.message));
  return socket.onAny(onEvent);
}

if (globalThis.process?.argv[1]?.endsWith("listen.mjs")) {
  const [url, how] = process.argv.slice(2);
  const print = (kind, content) => console.log(JSON.stringify({ kind, ...content }));
  await (how === "socket" ? bySocket : bySse)(url.replace(/\/$/, ""), print, process.env.ADEMAN_API_KEY);
}
