// Stands before an upstream: it passes on what the policy of the Hexward server allows, and says who asks.
import { createVerifier } from '@hexward/verifier';

const hexward = createVerifier((env) => ({
  bundle: { url: `${env.HEXWARD}/.well-known/hexward-bundle`, key: env.BUNDLE_KEY },
}));

export default {
  async fetch(request, env, ctx) {
    const { response, principal } = await hexward.guard(request, env, ctx);
    if (response) return response;
    const to = new URL(env.UPSTREAM);
    ({ pathname: to.pathname, search: to.search } = new URL(request.url));
    const passed = new Request(to, request);
    for (const name of [...passed.headers.keys()]) if (forged.test(name.replace(/[^a-z0-9]/g, '-'))) passed.headers.delete(name);
    for (const name of ['subject', 'name', 'kind', 'tenant', 'permissions', 'session']) {
      const value = [principal[name]].flat().map(escape).join(',');
      if (value) passed.headers.set(`x-auth-${name}`, value);
    }
    return fetch(passed, { cache: 'no-store' }); // what is one person's is for no cache
  },
};

// What a client sends under the names by which the upstream learns who asks, or that some frameworks take for another path
// or method, goes no further, in whatever spelling.
const forged = /^x-(auth|original|rewrite)-|^x-forwarded-(uri|method|prefix)|^x-(http-)?method|^forwarded$/;

// escape writes a value as the server does: printable ASCII, the rest percent-encoded.
const escape = (text) => text.replace(/[^!-~]|%/gu, encodeURIComponent);
