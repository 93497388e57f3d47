// Loaded before the Portkey gateway (node --require). Two repairs without which
// it cannot be measured here: its answers to streams fail with "TypeError:
// immutable", because it changes the headers of what fetch returned; and it
// listens on every interface.
const fetched = globalThis.fetch;
globalThis.fetch = async (...args) => {
  const r = await fetched(...args);
  return new Response(r.body, { status: r.status, statusText: r.statusText, headers: new Headers(r.headers) });
};
const net = require("node:net");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  if (args[0] && typeof args[0] === "object") args[0].host = "127.0.0.1";
  else if (typeof args[1] !== "string") args.splice(1, 0, "127.0.0.1");
  return listen.apply(this, args);
};
