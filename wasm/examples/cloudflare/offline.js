// Decides by bundles that come through a KV namespace, as where the Hexward server is in a network of its own:
//
//   hexward bundle export --out bundle.jws
//   wrangler kv key put --binding BUNDLES --remote bundle --path bundle.jws
import { createVerifier } from '@hexward/verifier';

const hexward = createVerifier((env) => ({
  bundle: { url: 'https://kv.invalid/bundle', key: env.BUNDLE_KEY, refresh: 5 },
  fetch: async () => new Response(await env.BUNDLES.get('bundle')),
}));

export default {
  async fetch(request, env, ctx) {
    const { response, principal } = await hexward.guard(request, env, ctx);
    return response ?? Response.json({ hello: principal.name });
  },
};
