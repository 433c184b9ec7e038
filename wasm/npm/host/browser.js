// Browsers, and whatever else has fetch: the module is loaded from beside this file. A header that is not simple would
// cost a preflight there.

import { prepare, verify } from '../lib/webcrypto.js';
import { respond, verifierOn } from '../lib/verifier.js';
import { toModule } from '../lib/wasm.js';

export const createVerifier = verifierOn({
  module: (given) => toModule(given ?? new URL('../dist/host.wasm', import.meta.url)),
  prepare,
  verify,
  background: true,
  conditional: false,
});

export { respond };
