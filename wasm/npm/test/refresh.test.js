import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createVerifier } from '@hexward/verifier';

import { verifierOn } from '../lib/verifier.js';
import * as nodecrypto from '../lib/nodecrypto.js';
import { compiled } from './compiled.js';
import { fixture, jose, trusted, until } from './fixture.js';
import { bundle, everything, key, start, token } from './keys.js';

const signing = key('EdDSA');
const good = token(signing);
const whole = (members) => jose(bundle(trusted, [signing], members));
const delta = (number, base, marks) => jose(bundle(trusted, [], { number, base, marks }));
const paths = (server) => server.requests.map((request) => new URL(request.url, 'http://x').search);

// gate is a promise that a test resolves.
function gate() {
  let open;
  const opened = new Promise((done) => (open = done));
  return { open, opened };
}

test('many requests at the start ask for a bundle once', async (t) => {
  const { verifier, server } = await fixture(t, () => whole());
  const verdicts = await Promise.all(Array.from({ length: 50 }, () => verifier.verify(good)));
  assert.ok(verdicts.every((verdict) => verdict.ok));
  assert.equal(server.requests.length, 1);
});

test('what is held decides while something newer is fetched', async (t) => {
  const { open, opened } = gate();
  const { verifier, server, time } = await fixture(t, async (request, count) => {
    if (count === 1) return whole();
    await opened;
    return delta(2, 1, everything);
  });
  assert.ok((await verifier.verify(good)).ok);
  time.tick(0.9);
  assert.ok((await verifier.verify(good)).ok);
  assert.equal(server.requests.length, 1, 'a second has not passed');
  time.tick(0.2);
  for (let i = 0; i < 5; i++) assert.ok((await verifier.verify(good)).ok, 'nobody waits');
  await until(() => server.requests.length === 2, 'a second request');
  open();
  await until(() => verifier.held().number === 2, 'the delta');
  const verdict = await verifier.verify(good);
  assert.equal(verdict.code, 'token_revoked');
  assert.equal(verdict.status, 401);
  assert.deepEqual(paths(server), ['', '?since=1']);
});

test('a good signature that is remembered does not outlive a revocation, the time or the key', async (t) => {
  let answer = whole();
  const { verifier, time } = await fixture(t, () => answer);
  for (let i = 0; i < 3; i++) assert.ok((await verifier.verify(good)).ok);
  answer = delta(2, 1, everything);
  await verifier.refresh();
  assert.equal((await verifier.verify(good)).code, 'token_revoked');
  answer = whole({ number: 3 });
  await verifier.refresh();
  assert.ok((await verifier.verify(good)).ok);
  answer = jose(bundle(trusted, [key('EdDSA', 'other')], { number: 4 }));
  await verifier.refresh();
  assert.equal((await verifier.verify(good)).code, 'token_key_unknown');
  answer = jose(bundle(trusted, [key('EdDSA')], { number: 5 })); // another key by the same name
  await verifier.refresh();
  assert.equal((await verifier.verify(good)).code, 'token_signature');
  answer = whole({ number: 6 });
  await verifier.refresh();
  assert.ok((await verifier.verify(good)).ok);
  answer = { status: 304 };
  time.tick(900 + 60);
  assert.equal((await verifier.verify(good)).code, 'token_expired');
});

test('ctx.waitUntil keeps a fetch alive', async (t) => {
  const { verifier, time } = await fixture(t, (request, count) => (count === 1 ? whole() : delta(2, 1, everything)));
  await verifier.verify(good);
  time.tick(2);
  const kept = [];
  const ctx = {
    waitUntil(work) {
      assert.equal(this, ctx);
      kept.push(work);
    },
  };
  assert.ok((await verifier.verify(good, undefined, ctx)).ok);
  assert.equal(kept.length, 1);
  await kept[0];
  assert.equal(verifier.held().number, 2);
});

test('where promises end with the request, the one that asks waits', async (t) => {
  const create = verifierOn({ module: () => compiled('host'), ...nodecrypto, background: false, conditional: true });
  const { verifier, time } = await fixture(t, (request, count) => (count === 1 ? whole() : delta(2, 1, everything)), { create });
  assert.ok((await verifier.verify(good)).ok);
  time.tick(2);
  assert.equal((await verifier.verify(good)).code, 'token_revoked');
});

test('a fetch that died with its request is given up', async (t) => {
  let calls = 0;
  const fetch = (...request) => (++calls === 1 ? new Promise(() => {}) : globalThis.fetch(...request));
  const { verifier } = await fixture(t, () => whole(), { fetch, bundle: { timeout: 1 } });
  void verifier.verify(good);
  await until(() => calls === 1, 'the first fetch');
  assert.equal((await verifier.verify(good)).code, 'bundle_missing', 'another request does not wait for ever');
  const real = Date.now;
  t.after(() => (Date.now = real));
  Date.now = () => real() + 60_000;
  assert.ok((await verifier.verify(good)).ok);
});

test('asks with the ETag, and 304 is an answer', async (t) => {
  const { verifier, server, time } = await fixture(t, (request, count) =>
    count === 1 ? { ...whole(), headers: { etag: '"1"' } } : { status: 304 },
  );
  await verifier.verify(good);
  for (let i = 2; i < 5; i++) {
    time.tick(1);
    await verifier.verify(good);
    await until(() => verifier.held().fetched === time.at, 'an answer');
    assert.equal(server.requests.length, i);
    assert.equal(server.requests.at(-1).headers['if-none-match'], '"1"');
  }
});

test('a number that is not greater is never taken', async (t) => {
  let answer = whole({ number: 10 });
  const { verifier, time } = await fixture(t, () => answer);
  await verifier.verify(good);
  for (const older of [whole({ number: 9, keys: { keys: [] } }), whole({ number: 10, keys: { keys: [] } }), delta(10, 9, everything)]) {
    answer = older;
    time.tick(1);
    await verifier.refresh();
    assert.equal(verifier.held().number, 10);
    assert.ok((await verifier.verify(good)).ok);
  }
});

test('a delta to a bundle that is not held is followed by a whole one', async (t) => {
  const { verifier, server, time } = await fixture(t, (request) => (request.url.includes('since') ? delta(9, 8, everything) : whole({ number: server.requests.length })));
  await verifier.verify(good);
  await assert.rejects(verifier.refresh(), /bundle_base/);
  time.tick(1);
  await verifier.refresh();
  assert.deepEqual(paths(server), ['', '?since=1', '']);
  assert.equal(verifier.held().number, 3);
});

test('many deltas are followed by a whole bundle', async (t) => {
  const { verifier, server } = await fixture(t, (request, count) => (request.url.includes('since') ? delta(count, count - 1) : whole({ number: count })));
  for (let i = 0; i < 80; i++) await verifier.refresh();
  assert.equal(paths(server).filter((search) => search === '').length, 2);
  assert.equal(verifier.held().number, 80);
});

for (const [name, first, want] of [
  ['pauses grow, up to five seconds while there is nothing to decide by', 500, [0, 1, 3, 7, 12, 17, 22, 27]],
  ['pauses grow, up to a minute while what is held decides', 200, [0, 1, 2, 4, 8, 16, 32, 64, 124, 184]],
]) {
  test(name, async (t) => {
    const { verifier, server, time } = await fixture(t, (request, count) => (count === 1 && first === 200 ? whole() : { status: 500 }));
    const asked = [];
    while (asked.length < want.length) {
      const before = server.requests.length;
      const kept = [];
      const { code } = await verifier.verify(good, undefined, { waitUntil: (work) => kept.push(work) });
      await Promise.all(kept);
      assert.equal(code === 'bundle_missing', first === 500);
      if (server.requests.length > before) asked.push((time.at - start) / 1000);
      time.tick(0.5);
    }
    assert.deepEqual(asked, want);
  });
}

test('past its end a bundle decides nothing, unless told to', async (t) => {
  for (const [stale, want] of [
    [0, 'bundle_expired'],
    [600, 'token_expired'],
  ]) {
    let down = false;
    const { verifier, time } = await fixture(t, () => (down ? { status: 500 } : whole()), { stale });
    await verifier.verify(good);
    down = true;
    time.tick(3599);
    assert.equal((await verifier.verify(good)).code, 'token_expired');
    time.tick(2);
    const verdict = await verifier.verify(good);
    assert.equal(verdict.code, want);
    assert.equal(verdict.status, stale ? 401 : 503);
    time.tick(stale);
    assert.equal((await verifier.verify(good)).code, 'bundle_expired');
    down = false;
  }
});

test('an expired bundle is replaced while the request waits', async (t) => {
  const { verifier, time } = await fixture(t, (request, count) =>
    whole({ number: count, iat: start / 1000 + (count - 1) * 5000, exp: start / 1000 + (count - 1) * 5000 + 3600 }),
  );
  await verifier.verify(good);
  time.tick(5000);
  assert.equal((await verifier.verify(good)).code, 'token_expired', 'and not bundle_expired');
});

test('an answer that does not end is given up', async (t) => {
  const { verifier } = await fixture(t, () => ({ hang: true, body: 'eyJ' }), { bundle: { timeout: 0.2 } });
  const before = performance.now();
  assert.equal((await verifier.verify(good)).code, 'bundle_missing');
  assert.ok(performance.now() - before < 3000);
  assert.equal(verifier.held().error.name, 'TimeoutError');
});

test('a clock that is set back stops nothing', async (t) => {
  const { verifier, server, time } = await fixture(t, (request, count) => whole({ number: count }));
  time.tick(900);
  await verifier.verify(good);
  time.tick(-900);
  await verifier.verify(good);
  await until(() => server.requests.length === 2, 'another request');
});

test('the secret goes to the server alone', async (t) => {
  const { verifier, server } = await fixture(
    t,
    (request) => (request.headers.authorization === 'Bearer canary' ? { status: 307, headers: { location: 'http://127.0.0.1:1/' } } : whole()),
    { bundle: { secret: 'canary', headers: { 'x-more': '1' } } },
  );
  await verifier.verify(good);
  assert.equal(server.requests.length, 1);
  assert.equal(server.requests[0].headers['x-more'], '1');
  assert.doesNotMatch(`${verifier.held().error} ${JSON.stringify(verifier)}`, /canary/);
});

test('bundles come by https, or from this machine', () => {
  const make = (url) => createVerifier({ bundle: { url, key: trusted.jwk } });
  for (const url of ['http://id.example/', 'http://127.0.0.1.id.example/', 'http://[::2]/', 'ftp://id.example/', 'file:///etc/passwd', 'data:,x', '/relative']) {
    assert.throws(() => make(url), TypeError, url);
  }
  for (const url of ['https://id.example/b', 'http://localhost:8080/b', 'http://127.0.0.1/', 'http://[::1]:1/', new URL('https://id.example/')]) make(url);
});

test('a configuration that cannot work is refused', async () => {
  assert.throws(() => createVerifier({}), TypeError);
  assert.throws(() => createVerifier({ bundle: { url: 'https://id.example/' } }), /bundle\.key/);
  assert.throws(() => createVerifier({ bundle: {}, jwks: {} }), TypeError);
  assert.throws(() => createVerifier({ jwks: { keys: [], issuer: 'i' } }), /audience/);
  assert.throws(() => createVerifier({ jwks: { keys: [], audience: 'a' } }), /issuer/);
  assert.throws(() => createVerifier({ jwks: { issuer: 'i', audience: 'a' } }), /url or keys/);
  const snapshot = bundle(trusted, [signing]);
  for (const key of [{ kty: 'oct', k: 'AAAA', alg: 'HS256' }, { kty: 'EC' }, [], { keys: [] }, signing.private.export({ format: 'jwk' })]) {
    await assert.rejects(createVerifier({ bundle: { snapshot, key } }).verify(good), /bundle\.key/);
  }
  await assert.rejects(createVerifier({ bundle: { snapshot, key: trusted.jwk }, stale: -1 }).verify(good), /stale/);
  await assert.rejects(createVerifier({ bundle: { snapshot, key: key('ES256', 'bundle').jwk } }).verify(good), /bundle_signature/);
});

test('a snapshot is enough, and is replaced by what the server has', async (t) => {
  const snapshot = `${bundle(trusted, [signing])}\n`;
  const alone = createVerifier({ bundle: { snapshot, key: JSON.stringify({ keys: [trusted.jwk] }) }, now: () => start });
  assert.ok(alone.verifySync(good).ok);
  assert.ok((await alone.verify(good)).ok);
  assert.equal(createVerifier({ bundle: { snapshot, key: trusted.jwk }, now: () => start + 3600_000 }).verifySync(good).code, 'bundle_missing');

  const { verifier, server } = await fixture(t, () => delta(2, 1, everything), { bundle: { snapshot } });
  assert.equal((await verifier.verify(good)).code, 'token_revoked');
  assert.deepEqual(paths(server), ['?since=1']);
  const { verifier: away } = await fixture(t, () => ({ status: 500 }), { bundle: { snapshot } });
  assert.ok((await away.verify(good)).ok);
});

test('what was not heard of for long is asked for before it decides', async (t) => {
  const { verifier, time } = await fixture(t, (request, count) => (count === 1 ? whole() : delta(2, 1, everything)));
  assert.ok((await verifier.verify(good)).ok);
  time.tick(2.1);
  const both = await Promise.all([verifier.verify(good), verifier.verify(good)]);
  assert.deepEqual(both.map((verdict) => verdict.code), ['token_revoked', 'token_revoked']);
});

test('a server that is away is waited for once', async (t) => {
  let down = false;
  const { verifier, server, time } = await fixture(t, () => (down ? { hang: true } : whole()), { bundle: { timeout: 0.5 } });
  assert.ok((await verifier.verify(good)).ok);
  down = true;
  time.tick(60);
  assert.ok((await verifier.verify(good)).ok, 'decided by what is held');
  assert.equal(server.requests.length, 2);
  time.tick(60);
  const before = performance.now();
  for (let i = 0; i < 5; i++) assert.ok((await verifier.verify(good)).ok);
  assert.ok(performance.now() - before < 400, 'nobody waits for the third');
  await until(() => server.requests.length === 3, 'the third');
});

test('watch follows by long polls', async (t) => {
  const waiting = [];
  const { verifier, server } = await fixture(t, async (request) => {
    if (!request.url.includes('since')) return whole();
    const { open, opened } = gate();
    waiting.push(open);
    await opened;
    return delta(1 + waiting.length, waiting.length, everything);
  }, { bundle: { refresh: 0.05 } });
  const end = new AbortController();
  const watching = verifier.watch(end.signal);
  await until(() => waiting.length === 1, 'a long poll');
  assert.ok((await verifier.verify(good)).ok);
  assert.equal(server.requests.at(-1).url.split('?')[1], 'since=1&wait=25');
  const before = server.requests.length;
  waiting[0]();
  await until(() => verifier.held().number === 2, 'the delta');
  assert.equal((await verifier.verify(good)).code, 'token_revoked');
  await until(() => waiting.length === 2, 'the next poll');
  assert.equal(server.requests.length, before + 1);
  end.abort();
  await watching;
});
