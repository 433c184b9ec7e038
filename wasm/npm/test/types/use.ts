// How the package is used from TypeScript; it is compiled and not run.

import { createVerifier, respond, type Verdict, type Verifier } from '@hexward/verifier';
import { cacheStore } from '@hexward/verifier/cache';
import { createVerifier as createFull } from '@hexward/verifier/full';
import wasm from '@hexward/verifier/host.wasm';
import { codeOf, jwtVerify } from '@hexward/verifier/jose';

interface Env {
  KEY: string;
}

interface Mine {
  plan: 'free' | 'paid';
}

const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' };

const simple: Verifier = createVerifier({ bundle: { url: 'https://id.example/.well-known/hexward-bundle', key }, stale: 60, wasm });
const byEnv = createVerifier((env: Env) => ({ bundle: { url: new URL('https://id.example/'), keys: env.KEY, secret: 's', refresh: 5 } }));
const offline = createFull({ bundle: { snapshot: 'a.b.c', keys: { keys: [key] } } });
createVerifier({
  jwks: { url: 'https://issuer.example/keys', issuer: 'i', audience: ['a', 'b'], algorithms: ['ES256'] as const, types: [''], leeway: 5 },
  policy: [{ path: '/**', access: 'token', only: 'machine' }],
  now: () => 0,
  fetch: globalThis.fetch,
});
createVerifier({
  bundle: { url: 'https://id.example/', key },
  store: cacheStore({ match: async () => undefined, put: async () => {} }),
});

export async function use(request: Request, env: Env, ctx: { waitUntil(work: Promise<unknown>): void }): Promise<Response> {
  const { response, principal, claims } = await byEnv.guard<Mine>(request, env, ctx);
  if (response) return response;
  const kind: 'user' | 'machine' | 'anonymous' = principal.kind;
  const plan: 'free' | 'paid' | undefined = claims?.plan;

  const verdict: Verdict = await simple.decide(request);
  if (!verdict.ok) {
    const status: 400 | 401 | 403 | 431 | 503 = verdict.status;
    // @ts-expect-error nobody is known who was refused
    verdict.principal;
    return status === 503 ? respond(verdict, request) : new Response(codeOf(verdict.code));
  }
  // @ts-expect-error nothing is wrong with who was not
  verdict.code;

  const alone = offline.verifySync<Mine>('a.b.c');
  const subject: string | undefined = alone.ok ? alone.claims?.sub : undefined;
  const { payload } = await jwtVerify<Mine>('a.b.c', simple);
  await simple.decide({ method: 'GET', url: '/x', headers: { cookie: ['a=b'], host: 'x' } });
  await simple.watch(new AbortController().signal);
  return new Response(`${kind} ${plan} ${subject} ${payload?.plan} ${simple.held().number}`);
}

// @ts-expect-error what verifies tokens has keys from somewhere
createVerifier({});
// @ts-expect-error one of the two
createVerifier({ bundle: { snapshot: '', key }, jwks: { url: '', issuer: '', audience: '' } });
// @ts-expect-error an audience is named, or it is said that there is none
createVerifier({ jwks: { url: 'https://issuer.example/keys', issuer: 'i' } });
// @ts-expect-error env has the type that the options are made of
void byEnv.verify('a.b.c', { KEY: 7 });
