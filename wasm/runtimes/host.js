// Replays the vectors in Node, Deno or Bun:
//
//   host.js VECTORS MODULE…
//
// It prints a line of JSON for each module.
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';

import { createVerifier as full } from '../npm/full/node.js';
import { createVerifier as host } from '../npm/host/node.js';
import { replayPackage } from './package.js';
import { reports } from './replay.js';

// synchronous verifies by node:crypto.
function synchronous(jwk, input, signature) {
  const { alg, ...bare } = jwk;
  const key = { key: createPublicKey({ key: bare, format: 'jwk' }) };
  if (alg === 'EdDSA') return verify(null, input, key, signature);
  if (alg.startsWith('ES')) key.dsaEncoding = 'ieee-p1363';
  if (alg.startsWith('PS')) Object.assign(key, { padding: 6, saltLength: Number(alg.slice(2)) / 8 });
  return verify(`sha${alg.slice(2)}`, input, key, signature);
}

const [vectorsFile, ...modules] = process.argv.slice(2);
const vectors = JSON.parse(readFileSync(vectorsFile, 'utf8'));
const ways = { synchronous, packages: { replay: replayPackage, host, full } };
for (const file of modules) {
  const name = basename(file, '.wasm');
  const compiled = await WebAssembly.compile(readFileSync(file));
  console.log(JSON.stringify({ module: name, reports: await reports(name, compiled, vectors, ways) }));
}
