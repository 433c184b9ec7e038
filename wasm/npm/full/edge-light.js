// Vercel's edge functions and middleware: the module is compiled when they are deployed.

import module from '../dist/full.wasm?module';
import { respond, verifierOn } from '../lib/verifier.js';
import { toModule } from '../lib/wasm.js';

export const createVerifier = verifierOn({
  module: (given) => toModule(given ?? module),
  inside: true,
  background: false,
  conditional: true,
});

export { respond };
