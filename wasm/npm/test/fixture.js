// A verifier that asks a server of a test, at a time that the test moves.

import { createVerifier } from '@hexward/verifier';

import { key, start } from './keys.js';
import { serve } from './serve.js';

export const trusted = key('ES256', 'bundle');

// jose is an answer with a bundle.
export const jose = (body, headers = {}) => ({ body, headers: { 'content-type': 'application/jose', ...headers } });

export async function fixture(t, answer, options = {}) {
  const { bundle, create = createVerifier, ...rest } = options;
  const time = {
    at: start,
    tick(seconds) {
      this.at += seconds * 1000;
    },
  };
  const server = await serve(t, answer);
  const verifier = create({ bundle: { url: server.url, key: trusted.jwk, ...bundle }, now: () => time.at, ...rest });
  return { time, server, verifier };
}

// until waits, at most two seconds, for something to become true.
export async function until(true_, what) {
  for (let i = 0; i < 400; i++) {
    if (await true_()) return;
    await new Promise((done) => setTimeout(done, 5));
  }
  throw new Error(`this did not come to be: ${what}`);
}
