import { createVerifier } from '@hexward/verifier';

const { HEXWARD, BUNDLE_KEY, HOST = '127.0.0.1', PORT = '8787' } = Deno.env.toObject();
const hexward = createVerifier({ bundle: { url: `${HEXWARD}/.well-known/hexward-bundle`, key: BUNDLE_KEY } });
hexward.watch(); // the server tells what changed as soon as it does

Deno.serve({ hostname: HOST, port: Number(PORT) }, async (request) => {
  const { response, principal } = await hexward.guard(request);
  return response ?? Response.json({ hello: principal.name, kind: principal.kind, permissions: principal.permissions });
});
