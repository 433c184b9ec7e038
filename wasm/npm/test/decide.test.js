import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';

import { createVerifier, respond } from '@hexward/verifier';
import { createVerifier as createFull } from '@hexward/verifier/full';

import { trusted } from './fixture.js';
import { bundle, compact, key, start, token } from './keys.js';

const signing = key('EdDSA');
const good = token(signing);
const snapshot = bundle(trusted, [signing]);
const make = (create = createVerifier, more = {}) => create({ bundle: { snapshot, key: trusted.jwk }, now: () => start, ...more });
const verifier = make();
const cookie = `__Host-hexward_access=${good}`;
const bearer = { authorization: `Bearer ${good}` };

const requests = [
  { name: 'a good token', url: '/orders', headers: bearer, want: 'access_token' },
  { name: 'a lower-case scheme', url: '/orders', headers: { authorization: `bearer ${good}` }, want: 'access_token' },
  { name: 'a header in capitals', url: '/orders', headers: { AUTHORIZATION: `Bearer ${good}` }, want: 'access_token' },
  { name: 'an absolute URL', url: 'https://app.example/orders?x=/admin#f', headers: bearer, want: 'access_token' },
  { name: 'an access cookie', url: '/orders', headers: { cookie }, want: 'session_token' },
  { name: 'cookies of others', url: '/orders', headers: { cookie: `a=1; ${cookie}; b="2"` }, want: 'session_token' },
  { name: 'nobody on a public route', url: '/public/x', headers: {}, want: 'none' },
  { name: 'a bad token on a public route', url: '/public/x', headers: { authorization: 'Bearer x' }, want: 'none' },
  { name: 'Express below a mount', url: '/public/x', originalUrl: '/orders', headers: {}, status: 401, want: 'unauthenticated' },
  { name: 'no credential', url: '/orders', headers: {}, status: 401, want: 'unauthenticated', challenge: 'Bearer' },
  { name: 'a permission that is missing', url: '/admin/x', headers: bearer, status: 403, want: 'forbidden' },
  { name: 'garbage', url: '/orders', headers: { authorization: 'Bearer x' }, status: 401, want: 'token_malformed', challenge: 'Bearer error="invalid_token"' },
  { name: 'an empty header beside a cookie', url: '/orders', headers: { authorization: '', cookie }, status: 401, want: 'token_malformed' },
  { name: 'two headers', url: '/orders', headers: { authorization: [`Bearer ${good}`, `Bearer ${good}`] }, status: 401, want: 'token_malformed' },
  { name: 'two headers by two names', url: '/orders', headers: { authorization: `Bearer ${good}`, Authorization: `Bearer ${good}` }, status: 401, want: 'token_malformed' },
  { name: 'a cookie twice', url: '/orders', headers: { cookie: `${cookie}; ${cookie}` }, status: 401, want: 'cookie_twice' },
  { name: 'a cookie in two lines', url: '/orders', headers: { cookie: [cookie, cookie] }, status: 401, want: 'cookie_twice' },
  { name: 'a session alone', url: '/orders', headers: { cookie: '__Host-hexward_session=x' }, status: 401, want: 'session_opaque' },
  { name: 'a write from elsewhere', method: 'POST', url: '/orders', headers: { cookie, origin: 'https://evil.example' }, status: 403, want: 'cross_origin' },
  { name: 'a write from another site', method: 'POST', url: '/orders', headers: { cookie, 'Sec-Fetch-Site': 'cross-site' }, status: 403, want: 'cross_origin' },
  { name: 'a write of the site itself', method: 'POST', url: '/orders', headers: { cookie, origin: 'https://app.example' }, want: 'session_token' },
  { name: 'dots in a path', url: '/public/../orders', headers: bearer, status: 400, want: 'path_ambiguous' },
  { name: 'escaped dots', url: '/public/%2e%2e/orders', headers: bearer, status: 400, want: 'path_ambiguous' },
  { name: 'dots in an absolute URL', url: 'https://app.example/public/../orders', headers: bearer, status: 400, want: 'path_ambiguous' },
  { name: 'two slashes', url: '//evil.example/orders', headers: bearer, status: 400, want: 'path_ambiguous' },
  { name: 'a backslash', url: '/public\\..\\orders', headers: bearer, status: 400, want: 'path_ambiguous' },
  { name: 'a fragment that is a path', url: '/public#/../orders', headers: bearer, status: 400, want: 'path_ambiguous' },
  { name: 'NUL in a path', url: '/public/\0=x', headers: bearer, status: 400, want: 'path_ambiguous' },
  { name: 'NUL in a header', url: '/orders', headers: { authorization: `Bearer x\0=${cookie}` }, status: 401, want: 'token_malformed' },
  { name: 'NULs that are fields', url: '/orders\0\0', headers: {}, status: 400, want: 'path_ambiguous' },
  { name: 'NUL in a method', method: 'GET\0=/public/x', url: '/orders', headers: {}, status: 401, want: 'unauthenticated' },
  { name: 'no path', url: '?x', headers: bearer, status: 400, want: 'path_ambiguous' },
  { name: 'an asterisk', method: 'OPTIONS', url: '*', headers: bearer, status: 400, want: 'path_ambiguous' },
  { name: 'headers without end', url: '/orders', headers: { cookie: `x=${'y'.repeat(1 << 20)}; ${cookie}` }, status: 431, want: 'headers_too_large' },
];
for (const { name, status = 200, want, challenge, ...request } of requests) {
  test(`decide: ${name}`, async () => {
    const asked = { method: 'GET', ...request };
    for (const v of [verifier, make(createFull)]) {
      const verdict = await v.decide(asked);
      assert.equal(verdict.ok ? 200 : verdict.status, status, JSON.stringify(verdict));
      assert.equal(verdict.ok ? verdict.principal.via : verdict.code, want);
      if (challenge) assert.equal(verdict.challenge, challenge);
      assert.deepEqual(v.decideSync(asked), verdict);
    }
  });
}

const tokens = [
  ['undefined', undefined, 'unauthenticated'],
  ['null', null, 'unauthenticated'],
  ['a number', 7, 'unauthenticated'],
  ['an array', [good], 'unauthenticated'],
  ['an object that is text', { toString: () => good }, 'unauthenticated'],
  ['nothing', '', 'token_malformed'],
  ['NUL', '\0', 'token_malformed'],
  ['fields of a request', `x\0=${cookie}`, 'token_malformed'],
  ['the good one and NUL', `${good}\0`, 'token_malformed'],
  ['the good one and a line', `${good}\n`, 'token_malformed'],
  ['lone surrogates', `\ud800${good}\udfff`, 'token_malformed'],
  ['1 MB', 'A'.repeat(1 << 20), 'token_too_long'],
  ['1 MB of dots', '.'.repeat(1 << 20), 'token_too_long'],
  ['64 MB', 'é'.repeat(32 << 20), 'token_malformed'],
  ['the good one with 1 MB', good + 'A'.repeat(1 << 20), 'token_too_long'],
  ['alg none', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${good.split('.')[1]}.`, 'token_alg_refused'],
  ['a bundle', bundle(signing, [signing]), 'token_type'],
];
for (const [name, shown, want] of tokens) {
  test(`verify: ${name}`, async () => {
    const verdict = await verifier.verify(shown);
    assert.equal(verdict.ok, false);
    assert.equal(verdict.status, 401);
    assert.equal(verdict.code, want);
    assert.deepEqual(verifier.verifySync(shown), verdict);
    assert.ok((await verifier.verify(good)).ok);
  });
}

test('claims with the names of prototypes change nothing', async () => {
  const claims = '"__proto__":{"polluted":1,"ok":true},"constructor":{"prototype":{"polluted":1}},"toString":"x","hasOwnProperty":1';
  const at = start / 1000;
  const shown = compact(signing, 'at+jwt', `{"iss":"https://id.example","aud":"https://api.example","sub":"ada","iat":${at},"exp":${at + 60},${claims}}`);
  const verdict = await verifier.verify(shown);
  assert.ok(verdict.ok);
  assert.equal({}.polluted, undefined);
  assert.equal(Object.getPrototypeOf(verdict.claims), Object.prototype);
  assert.equal(verdict.claims.polluted, undefined);
  assert.deepEqual(Object.keys(verdict).sort(), ['claims', 'ok', 'principal', 'rule']);
  assert.equal(verdict.principal.subject, 'ada');
});

test('guard answers as the server does', async () => {
  const { response } = await verifier.guard(new Request('https://app.example/orders', { headers: { authorization: 'Bearer x' } }));
  assert.equal(response.status, 401);
  assert.deepEqual(Object.fromEntries(response.headers), {
    'cache-control': 'no-store',
    'content-type': 'application/problem+json',
    'www-authenticate': 'Bearer error="invalid_token"',
    'x-content-type-options': 'nosniff',
  });
  assert.deepEqual(await response.json(), {
    type: 'about:blank',
    title: 'Unauthorized',
    status: 401,
    code: 'token_malformed',
    detail: 'this access token is not valid: malformed',
  });
  const passed = await verifier.guard(new Request('https://app.example/orders', { headers: bearer }));
  assert.equal(passed.response, undefined);
  assert.equal(passed.principal.subject, 'ada');
  assert.equal(passed.claims.jti, 'j1');
});

test('guard says when to come again, and HEAD has no body', async () => {
  const expired = make(createVerifier, { now: () => start + 3600_000 });
  const { response } = await expired.guard(new Request('https://app.example/', { method: 'HEAD' }));
  assert.equal(response.status, 503);
  assert.equal(response.headers.get('retry-after'), '2');
  assert.equal(await response.text(), '');
});

test('nothing in a refusal becomes a header of its own', () => {
  const response = respond({ status: 401, code: 'x\r\ny: z', detail: '\r\n\r\n<script>', challenge: 'Bearer\r\nset-cookie: a=b\0é' });
  assert.deepEqual([...response.headers.keys()].sort(), ['cache-control', 'content-type', 'www-authenticate', 'x-content-type-options']);
  assert.equal(response.headers.get('www-authenticate'), 'Bearerset-cookie: a=b');
});

test('a request that is none is refused with an error', async () => {
  for (const none of [{}, { url: '/orders' }, { method: 'GET' }, { method: '', url: '/' }, { method: 'GET', url: '' }]) {
    await assert.rejects(async () => verifier.decide(none), TypeError);
    await assert.rejects(async () => verifier.guard(none), TypeError);
    assert.throws(() => verifier.decideSync(none), TypeError);
  }
});

test('requests of Node are read whole', async (t) => {
  const verdicts = [];
  const server = createServer(async (request, response) => {
    verdicts.push(await verifier.decide(request));
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const send = async (lines) => {
    const socket = connect(server.address().port, '127.0.0.1');
    socket.end(`${['GET /orders HTTP/1.1', 'Host: x', 'Connection: close', ...lines].join('\r\n')}\r\n\r\n`);
    socket.resume();
    await once(socket, 'close');
    return verdicts.pop();
  };
  assert.ok((await send([`Authorization: Bearer ${good}`])).ok);
  assert.equal((await send([`Authorization: Bearer ${good}`, 'authorization: Bearer x'])).code, 'token_malformed');
  assert.equal((await send([`Authorization: Bearer x`, `authorization: Bearer ${good}`])).code, 'token_malformed');
  assert.equal((await send([`Cookie: ${cookie}`, `Cookie: ${cookie}`])).code, 'cookie_twice');
  assert.ok((await send([`Cookie: a=b`, `Cookie: ${cookie}`])).ok);
});

test('options may depend on env', async () => {
  const asked = [];
  const later = createVerifier((env) => {
    asked.push(env);
    return { bundle: { snapshot, key: env.KEY }, now: () => start };
  });
  assert.deepEqual(asked, []);
  const env = { KEY: JSON.stringify(trusted.jwk) };
  assert.ok((await later.verify(good, env)).ok);
  assert.ok((await later.decide({ method: 'GET', url: '/orders', headers: bearer }, env)).ok);
  assert.deepEqual(asked, [env]);
});
