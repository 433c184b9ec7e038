import { createVerifier } from '@hexward/verifier';

export const config = { runtime: 'edge' };

const hexward = createVerifier(() => ({
  bundle: { url: `${process.env.HEXWARD}/.well-known/hexward-bundle`, key: process.env.BUNDLE_KEY },
}));

export default async function handler(request, ctx) {
  const { response, principal } = await hexward.guard(request, undefined, ctx);
  return response ?? Response.json({ hello: principal.name, kind: principal.kind, permissions: principal.permissions });
}
