// A worker that verifies a token before it answers.
import given from './cold.json';
import { createVerifier } from './verifier/host/workerd.js';

const verifier = createVerifier({ bundle: { snapshot: given.bundle, key: given.key } });

export default {
  async fetch(request, env, ctx) {
    const verdict = await verifier.verify(given.token, env, ctx);
    return new Response(verdict.code ?? 'ok', { status: verdict.ok ? 200 : 500 });
  },
};
