import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { createVerifier } from '@hexward/verifier';
import { createVerifier as createFull } from '@hexward/verifier/full';
import { codeOf, jwtVerify } from '@hexward/verifier/jose';

import * as webcrypto from '../lib/webcrypto.js';
import { verifierOn } from '../lib/verifier.js';
import { compiled } from './compiled.js';
import { until } from './fixture.js';
import { audience, compact, issuer, key, start, token } from './keys.js';
import { serve } from './serve.js';

const createWeb = verifierOn({ module: () => compiled('host'), ...webcrypto, background: true, conditional: false });
const flavours = [
  ['node:crypto', createVerifier],
  ['WebCrypto', createWeb],
  ['full', createFull],
];
const make = (jwks, create = createVerifier, more = {}) => create({ jwks: { issuer, audience, ...jwks }, now: () => start, ...more });

for (const alg of ['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'RS512', 'PS256', 'PS512']) {
  for (const [name, create] of flavours) {
    test(`${alg} by ${name}`, async () => {
      const by = key(alg);
      const verifier = make({ keys: [by.jwk] }, create);
      const shown = token(by);
      for (let i = 0; i < 2; i++) assert.ok((await verifier.verify(shown)).ok);
      assert.equal((await verifier.verify(token(key(alg)))).code, 'token_signature');
      const [head, body, signature] = shown.split('.');
      const bytes = Buffer.from(signature, 'base64url');
      const others = [[], [0, 0, 0], bytes.map(() => 0), bytes.subarray(0, -1), bytes.subarray(0, -8), [...bytes, 0], [...bytes, ...bytes], bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte))];
      for (const other of others) {
        const changed = `${head}.${body}.${Buffer.from(other).toString('base64url')}`;
        assert.equal((await verifier.verify(changed)).code, 'token_signature');
      }
      if (name === 'WebCrypto') assert.throws(() => verifier.verifySync(token(by, { jti: 'unseen' })), TypeError);
      else assert.ok(verifier.verifySync(shown).ok);
    });
  }
}

test('HS256 by a shared secret', async () => {
  const secret = randomBytes(32);
  const jwk = { kty: 'oct', k: secret.toString('base64url'), alg: 'HS256', kid: 'shared' };
  const sign = (by) => {
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${encode({ alg: 'HS256', typ: 'JWT', kid: 'shared' })}.${encode({ iss: issuer, aud: audience, sub: 'ada', exp: start / 1000 + 60 })}`;
    return `${input}.${createHmac('sha256', by).update(input).digest('base64url')}`;
  };
  for (const [, create] of flavours) {
    const verifier = make({ keys: [jwk] }, create);
    assert.ok((await verifier.verify(sign(secret))).ok);
    assert.equal((await verifier.verify(sign(randomBytes(32)))).code, 'token_signature');
    assert.equal((await verifier.verify(sign(secret))).ok, true);
  }
});

test('a public key is never a secret', async () => {
  const by = key('RS256');
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: by.kid })}.${token(by).split('.')[1]}`;
  const shown = `${input}.${createHmac('sha256', JSON.stringify(by.jwk)).update(input).digest('base64url')}`;
  assert.equal((await make({ keys: [by.jwk] }).verify(shown)).code, 'token_alg_refused');
});

const by = key('ES256');
const claims = [
  ['another issuer', { iss: 'https://evil.example' }, 'token_issuer', 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
  ['another audience', { aud: 'https://other.example' }, 'token_audience', 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
  ['no audience', { aud: undefined }, 'token_audience', 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
  ['no end', { exp: undefined }, 'token_claim_missing', 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
  ['its end', { exp: start / 1000 - 60 }, 'token_expired', 'ERR_JWT_EXPIRED'],
  ['a beginning to come', { nbf: start / 1000 + 61 }, 'token_not_yet_valid', 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
  ['an end that is text', { exp: '2030' }, 'token_claims_malformed', 'ERR_JWT_INVALID'],
];
for (const [name, changed, want, jose] of claims) {
  test(`refuses a token with ${name}`, async () => {
    const verifier = make({ keys: [by.jwk] });
    assert.equal((await verifier.verify(token(by, changed))).code, want);
    await assert.rejects(jwtVerify(token(by, changed), verifier), { code: jose, status: 401 });
  });
}

test('jwtVerify returns what jose does', async () => {
  const { payload, protectedHeader, principal } = await jwtVerify(token(by), make({ keys: [by.jwk] }));
  assert.equal(payload.sub, 'ada');
  assert.deepEqual(protectedHeader, { alg: 'ES256', typ: 'at+jwt', kid: 'ES256' });
  assert.equal(principal.subject, 'ada');
  assert.equal(codeOf('token_revoked'), 'ERR_TOKEN_REVOKED');
  await assert.rejects(jwtVerify(undefined, make({ keys: [by.jwk] })), { code: 'ERR_UNAUTHENTICATED' });
});

test('what is accepted can be narrowed and widened', async () => {
  const unnamed = { ...by.jwk, alg: undefined };
  const accepts = async (jwks, shown = token(by)) => {
    const verdict = await make(jwks).verify(shown);
    return verdict.ok || verdict.code;
  };
  assert.equal(await accepts({ keys: [unnamed], algorithms: ['ES256'] }), true);
  assert.equal(await accepts({ keys: { keys: [unnamed, key('RS256').jwk] }, algorithms: ['RS256'] }), 'token_alg_refused');
  assert.equal(await accepts({ keys: by.jwk, algorithms: ['RS256'] }), 'keys_elsewhere');
  assert.equal(await accepts({ keys: [by.jwk], types: ['JWT'] }), 'token_type');
  assert.equal(await accepts({ keys: [by.jwk], types: ['JWT'] }, compact(by, 'JWT', { iss: issuer, aud: audience, sub: 'ada', exp: start / 1000 + 9 })), true);
  assert.equal(await accepts({ keys: [by.jwk], required: ['username'] }), 'token_claim_missing');
  assert.equal(await accepts({ keys: [by.jwk], audience: ['https://a.example', audience] }), true);
  assert.equal(await accepts({ keys: [by.jwk], audience: false }, token(by, { aud: undefined })), true);
  assert.equal(await accepts({ keys: [by.jwk], leeway: 0 }, token(by, { exp: start / 1000 - 1 })), 'token_expired');
  const rsa = key('PS256');
  assert.equal(await accepts({ keys: [{ ...rsa.jwk, alg: undefined }], algorithms: ['PS256'] }, token(rsa)), true);
  assert.equal(await accepts({ keys: [{ ...rsa.jwk, alg: undefined }] }, token(rsa)), 'token_alg_refused');
  assert.equal(await accepts({ keys: [{ kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA', kid: 'k' }, { ...rsa.jwk, use: 'enc', alg: 'RSA-OAEP' }, by.jwk] }), true);
  await assert.rejects(accepts({ keys: [by.jwk], leeway: 301 }), TypeError);
});

test('a request needs a token, or what the policy says', async () => {
  const verifier = make({ keys: [by.jwk] });
  const ask = (v, url, headers = {}) => v.decide({ method: 'GET', url, headers });
  assert.equal((await ask(verifier, '/x')).code, 'unauthenticated');
  assert.ok((await ask(verifier, '/x', { authorization: `Bearer ${token(by)}` })).ok);
  assert.equal((await ask(verifier, '/x', { cookie: `access=${token(by)}` })).code, 'unauthenticated');
  const open = make({ keys: [by.jwk] }, createVerifier, { policy: [{ path: '/open', access: 'public' }] });
  assert.ok((await ask(open, '/open')).ok);
  assert.equal((await ask(open, '/x')).code, 'unauthenticated');
  assert.equal((await ask(open, '/x', { authorization: `Bearer ${token(by)}` })).code, 'session_required', 'what no rule is about');
});

// rotating is a verifier of an issuer whose keys change.
async function rotating(t, jwks = {}) {
  const state = { keys: [by.jwk], status: 200, at: start };
  const server = await serve(t, () => ({ status: state.status, body: JSON.stringify({ keys: state.keys }) }));
  const verifier = createVerifier({ jwks: { url: server.url, issuer, audience, ...jwks }, now: () => state.at });
  return { state, server, verifier };
}

test('keys are fetched when they are needed, and an unknown one asks again, but not often', async (t) => {
  const { state, server, verifier } = await rotating(t);
  assert.ok((await verifier.verify(token(by))).ok);
  const next = key('ES256', 'next');
  state.keys.push(next.jwk);
  for (let i = 0; i < 5; i++) assert.equal((await verifier.verify(token(next))).code, 'token_key_unknown');
  assert.equal(server.requests.length, 1, 'within half a minute');
  state.at += 30_000;
  assert.ok((await verifier.verify(token(next))).ok, 'at once');
  for (let i = 0; i < 20; i++) assert.equal((await verifier.verify(token(key('ES256', `k${i}`)))).code, 'token_key_unknown');
  assert.equal(server.requests.length, 2);
  state.at += 600_000;
  assert.ok((await verifier.verify(token(by, { exp: start / 1000 + 9000 }))).ok);
  await until(() => server.requests.length === 3, 'the keys again');
});

test('keys outlive an issuer that is away, for a day', async (t) => {
  const { state, verifier } = await rotating(t);
  const shown = token(by, { exp: start / 1000 + 200_000 });
  assert.ok((await verifier.verify(shown)).ok);
  state.status = 500;
  state.at += 86_000_000;
  assert.ok((await verifier.verify(shown)).ok);
  await until(() => verifier.held().error, 'a failure');
  state.at += 400_000;
  const verdict = await verifier.verify(shown);
  assert.equal(verdict.status, 503);
  assert.equal(verdict.code, 'bundle_missing');
  state.status = 200;
  state.at += 60_000;
  assert.ok((await verifier.verify(shown)).ok);
});

for (const [name, keys] of [
  ['a private key', [by.private.export({ format: 'jwk' })]],
  ['a weak key', [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'w' }]],
  ['two keys of a name', [by.jwk, by.jwk]],
  ['no list', 7],
  ['null', [null]],
  ['more than 256 KiB', [{ ...by.jwk, x5c: ['A'.repeat(256 << 10)] }]],
]) {
  test(`a key set with ${name} replaces nothing`, async (t) => {
    const { state, verifier } = await rotating(t);
    assert.ok((await verifier.verify(token(by))).ok);
    state.keys = keys;
    await assert.rejects(verifier.refresh());
    assert.ok((await verifier.verify(token(by))).ok);
  });
}
