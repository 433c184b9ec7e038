import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cacheStore } from '@hexward/verifier/cache';

import { fixture, jose, trusted, until } from './fixture.js';
import { bundle, everything, key, start, token } from './keys.js';

const signing = key('EdDSA');
const good = token(signing);
const text = bundle(trusted, [signing]);

// memory is a store that remembers what it was given.
const memory = (held) => ({
  held,
  puts: [],
  async get() {
    return this.held;
  },
  async put(...given) {
    this.puts.push(given);
  },
});

test('a bundle is left for other workers, as long as it is good for', async (t) => {
  const store = memory(null);
  const { verifier, server } = await fixture(t, () => jose(text), { store });
  assert.ok((await verifier.verify(good)).ok);
  await until(() => store.puts.length === 1, 'a put');
  assert.deepEqual(store.puts, [[`hexward-bundle ${server.url}`, text, { expirationTtl: 3600 }]]);
});

test('a bundle of another worker is brought up to date before it decides', async (t) => {
  const news = jose(bundle(trusted, [], { number: 2, base: 1, marks: everything }));
  const { verifier, server } = await fixture(t, () => news, { store: memory(text) });
  assert.equal((await verifier.verify(good)).code, 'token_revoked');
  assert.match(server.requests[0].url, /since=1$/);
});

test('a bundle of another worker decides while the server is away, or slow', async (t) => {
  for (const answer of [{ status: 500 }, { hang: true }]) {
    const { verifier } = await fixture(t, () => answer, { store: memory(text) });
    const before = performance.now();
    assert.ok((await verifier.verify(good)).ok);
    assert.ok(performance.now() - before < 8000);
  }
});

const seconds = start / 1000;
const poison = [
  ['nothing', null],
  ['a page', '<html>'],
  ['a number', 7],
  ['an object', { toString: () => text }],
  ['17 MiB', 'A'.repeat(17 << 20)],
  ['NULs and surrogates', '\0\ud800.\0.\0'],
  ["another's bundle", bundle(key('ES256', 'bundle'), [signing], { number: 9 })],
  ['a changed bundle', text.replace(/\.[^.]+\./, (payload) => `${payload.slice(0, 40)}A${payload.slice(41)}`)],
  ['an expired one', bundle(trusted, [signing], { number: 9, iat: seconds - 7200, exp: seconds - 3600 })],
  ['a token of the same key', token(trusted)],
];
for (const [name, held] of poison) {
  test(`a store that holds ${name} is not believed`, async (t) => {
    const { verifier, server } = await fixture(t, () => jose(text), { store: memory(held) });
    assert.ok((await verifier.verify(good)).ok);
    assert.equal(verifier.held().number, 1);
    assert.equal(new URL(server.requests[0].url, server.url).search, '');
  });
}

test('a store that fails or does not answer costs two seconds at most', async (t) => {
  const fail = () => {
    throw new Error('down');
  };
  for (const store of [
    { get: fail, put: fail },
    { get: async () => fail(), put: async () => fail() },
    { get: () => new Promise(() => {}), put: () => new Promise(() => {}) },
  ]) {
    const { verifier } = await fixture(t, () => jose(text), { store });
    const before = performance.now();
    assert.ok((await verifier.verify(good)).ok);
    assert.ok(performance.now() - before < 5000);
    assert.equal(verifier.held().error, undefined);
  }
});

test('a store cannot bring back what was replaced', async (t) => {
  const store = memory(null);
  let answer = jose(bundle(trusted, [signing], { number: 5, marks: everything }));
  const { verifier, time } = await fixture(t, () => answer, { store });
  assert.equal((await verifier.verify(good)).code, 'token_revoked');
  store.held = text;
  answer = { status: 500 };
  time.tick(3600);
  assert.equal((await verifier.verify(good)).code, 'bundle_expired');
  assert.equal(verifier.held().number, 5);
});

test('cacheStore keeps text in a Cache', async () => {
  const entries = new Map();
  const cache = {
    match: async (address) => entries.get(address)?.clone(),
    put: async (address, response) => void entries.set(address, response),
  };
  for (const given of [cache, () => cache, async () => cache]) {
    entries.clear();
    const store = cacheStore(given);
    assert.equal(await store.get('hexward-bundle https://id.example/b?c#d'), null);
    await store.put('hexward-bundle https://id.example/b?c#d', text, { expirationTtl: 60 });
    assert.equal(await store.get('hexward-bundle https://id.example/b?c#d'), text);
    const [[address, response]] = entries;
    assert.equal(new URL(address).hash, '');
    assert.equal(response.headers.get('cache-control'), 'max-age=60');
  }
});
