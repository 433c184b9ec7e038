// Cloudflare: the module is compiled when the worker is deployed.

import module from '../dist/host.wasm';
import { prepare, verify } from '../lib/webcrypto.js';
import { respond, verifierOn } from '../lib/verifier.js';
import { toModule } from '../lib/wasm.js';

export const createVerifier = verifierOn({
  module: (given) => toModule(given ?? module),
  prepare,
  verify,
  background: false,
  conditional: true,
});

export { respond };
