import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createVerifier } from '@hexward/verifier';
import { createVerifier as createFull } from '@hexward/verifier/full';

import { fixture, jose, trusted } from './fixture.js';
import { bundle, issuer, key, start, token } from './keys.js';

const signing = key('EdDSA');
const good = token(signing);

for (const [flavour, create] of [
  ['host', createVerifier],
  ['full', createFull],
]) {
  test(`${flavour}: decides by a bundle`, async (t) => {
    const { verifier, server } = await fixture(t, () => jose(bundle(trusted, [signing])), { create });
    const verdict = await verifier.verify(good);
    assert.equal(verdict.ok, true, JSON.stringify(verdict));
    assert.equal(verdict.principal.subject, 'ada');
    assert.equal(verdict.principal.via, 'access_token');
    assert.equal(verdict.claims.iss, issuer);
    assert.deepEqual(verifier.verifySync(good), verdict);
    assert.equal((await verifier.verify(`${good.slice(0, -6)}AAAAAA`)).code, 'token_signature');
    assert.equal(server.requests.length, 1);
    assert.deepEqual(verifier.held(), { number: 1, expires: start + 3600_000, fetched: start, error: undefined });
  });
}

const seconds = start / 1000;
const hostile = [
  ['another key', () => jose(bundle(key('ES256', 'bundle'), [signing])), 'bundle_signature'],
  ['another kid', () => jose(bundle(key('ES256', 'other'), [signing])), 'bundle_key_unknown'],
  ['a token in its place', () => jose(token(trusted)), 'bundle_type'],
  ['alg none', () => jose(bundle(trusted, [signing], {}, { alg: 'none' })), 'bundle_alg_refused'],
  ['alg HS256', () => jose(bundle(trusted, [signing], {}, { alg: 'HS256' })), 'bundle_alg_refused'],
  ['a key in the header', () => jose(bundle(trusted, [signing], {}, { jwk: trusted.jwk })), 'bundle_header_refused'],
  ['one that has expired', () => jose(bundle(trusted, [signing], { iat: seconds - 7200, exp: seconds - 3600 })), 'bundle_expired'],
  ['one of tomorrow', () => jose(bundle(trusted, [signing], { iat: seconds + 7200, exp: seconds + 9000 })), 'bundle_early'],
  ['a delta to nothing', () => jose(bundle(trusted, [], { number: 5, base: 2 })), 'bundle_base'],
  ['an unknown member', () => jose(bundle(trusted, [signing], { surprise: true })), 'bundle_malformed'],
  ['half of it', () => jose(bundle(trusted, [signing]).slice(0, -200)), 'refused'],
  ['nothing', () => jose(''), 'refused'],
  ['a page', () => ({ body: '<!doctype html><title>502</title>', headers: { 'content-type': 'text/html' } }), 'bundle_malformed'],
  ['404', () => ({ status: 404, body: 'none' }), 'answered 404'],
  ['500 with a bundle', () => ({ status: 500, body: bundle(trusted, [signing]) }), 'answered 500'],
  ['a redirect', () => ({ status: 302, headers: { location: '/elsewhere' } }), 'answered 302'],
  ['more than 16 MiB', () => ({ chunks: 17, chunk: 'A'.repeat(1 << 20) }), 'more than 16777216 bytes'],
  ['304 to who has nothing', () => ({ status: 304 }), 'undefined'],
];
for (const [name, answer, error] of hostile) {
  test(`fails closed on ${name}`, async (t) => {
    const { verifier, server } = await fixture(t, (request) => {
      assert.ok(!request.url.startsWith('/elsewhere'), 'a redirect was followed');
      return answer();
    });
    const verdict = await verifier.verify(good);
    assert.equal(verdict.ok, false);
    assert.equal(verdict.status, 503);
    assert.equal(verdict.code, 'bundle_missing');
    assert.equal(verifier.held().number, 0);
    assert.match(String(verifier.held().error), new RegExp(error));
    assert.equal(server.requests.length, 1);
  });
}
