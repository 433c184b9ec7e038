// Node, Bun and Deno: the module lies beside this file.

import { readFileSync } from 'node:fs';
import { respond, verifierOn } from '../lib/verifier.js';
import { toModule } from '../lib/wasm.js';

const read = () => new WebAssembly.Module(readFileSync(new URL('../dist/full.wasm', import.meta.url)));

export const createVerifier = verifierOn({
  module: (given) => (given ? toModule(given) : read()),
  inside: true,
  background: true,
  conditional: true,
});

export { respond };
