import { createVerifier } from '@hexward/verifier';

const { HEXWARD, BUNDLE_KEY, HOST = '127.0.0.1', PORT = '8787' } = Bun.env;
const hexward = createVerifier({ bundle: { url: `${HEXWARD}/.well-known/hexward-bundle`, key: BUNDLE_KEY } });
hexward.watch(); // the server tells what changed as soon as it does

Bun.serve({
  hostname: HOST,
  port: PORT,
  async fetch(request) {
    const { response, principal } = await hexward.guard(request);
    return response ?? Response.json({ hello: principal.name, kind: principal.kind, permissions: principal.permissions });
  },
});
