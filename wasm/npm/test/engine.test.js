import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createVerifier } from '@hexward/verifier';

import * as nodecrypto from '../lib/nodecrypto.js';
import { verifierOn } from '../lib/verifier.js';
import * as webcrypto from '../lib/webcrypto.js';
import { compiled } from './compiled.js';
import { fixture, jose, trusted, until } from './fixture.js';
import { bundle, everything, key, start, token } from './keys.js';

const signing = key('EdDSA');
const good = token(signing);
const module = compiled('host');

// counting is a createVerifier that counts how many signatures are verified.
function counting(by = nodecrypto) {
  const count = { verified: 0 };
  const verify = (...given) => (count.verified++, by.verify(...given));
  return { count, create: verifierOn({ module: () => module, prepare: by.prepare, verify, background: true, conditional: true }) };
}

// trapping makes instances whose hexward_NAME throws when it is told to.
function trapping(t, name) {
  const real = WebAssembly.Instance;
  const state = { traps: 0, instances: 0 };
  t.after(() => (WebAssembly.Instance = real));
  WebAssembly.Instance = function (...given) {
    state.instances++;
    const { exports } = new real(...given);
    const trap = (...parameters) => {
      if (state.traps-- > 0) throw new WebAssembly.RuntimeError('unreachable');
      return exports[`hexward_${name}`](...parameters);
    };
    return { exports: { ...exports, [`hexward_${name}`]: trap } };
  };
  return state;
}

for (const [name, by] of Object.entries({ nodecrypto, webcrypto })) {
  test(`${name}: a good signature is verified once, a bad one each time`, async () => {
    const { count, create } = counting(by);
    const verifier = create({ bundle: { snapshot: bundle(trusted, [signing]), key: trusted.jwk }, now: () => start });
    for (let i = 0; i < 5; i++) assert.ok((await verifier.verify(good)).ok);
    assert.equal(count.verified, 2, 'the bundle and the token');
    const forged = token(key('EdDSA'));
    for (let i = 0; i < 5; i++) assert.equal((await verifier.verify(forged)).code, 'token_signature');
    assert.equal(count.verified, 7);
    const twin = `${good.split('.', 2).join('.')}.${forged.split('.')[2]}`; // what was signed is known, the signature is not
    for (let i = 0; i < 2; i++) assert.equal((await verifier.verify(twin)).code, 'token_signature');
    assert.ok((await verifier.verify(good)).ok);
    assert.equal(count.verified, 9);
    await verifier.decide({ method: 'GET', url: '/x', headers: { cookie: `__Host-hexward_access=${good}` } });
    assert.equal(count.verified, 9);
  });
}

test('an instance that has no answer is not taken to repeat its last one', async (t) => {
  const real = WebAssembly.Instance;
  t.after(() => (WebAssembly.Instance = real));
  let refuses = false;
  WebAssembly.Instance = function (...given) {
    const { exports } = new real(...given);
    return { exports: { ...exports, hexward_decide: (...parameters) => (refuses ? 2 : exports.hexward_decide(...parameters)) } };
  };
  const verifier = createVerifier({ bundle: { snapshot: bundle(trusted, [signing]), key: trusted.jwk }, now: () => start });
  assert.ok((await verifier.verify(good)).ok);
  refuses = true;
  assert.equal((await verifier.verify('x')).code, 'verifier_failed');
});

test('without a cache each one is verified each time', async () => {
  const { count, create } = counting();
  const verifier = create({ bundle: { snapshot: bundle(trusted, [signing]), key: trusted.jwk }, now: () => start, cache: 0 });
  for (let i = 0; i < 5; i++) assert.ok((await verifier.verify(good)).ok);
  assert.equal(count.verified, 6);
});

test('neither garbage nor many others push out what is in use', async () => {
  const { count, create } = counting();
  const verifier = create({ bundle: { snapshot: bundle(trusted, [signing]), key: trusted.jwk }, now: () => start, cache: 10 });
  await verifier.verify(good);
  const [head, body] = good.split('.');
  for (let i = 0; i < 100; i++) await verifier.verify(`${head}.${body}.${Buffer.alloc(64, i).toString('base64url')}`);
  count.verified = 0;
  await verifier.verify(good);
  assert.equal(count.verified, 0);
  for (let i = 0; i < 100; i++) {
    await verifier.verify(token(signing, { jti: `other${i}` }));
    await verifier.verify(good);
  }
  assert.equal(count.verified, 100, 'the one in use was never verified again');
  await verifier.verify(token(signing, { jti: 'other0' }));
  assert.equal(count.verified, 101, 'the first of the others was pushed out');
});

test('the cache is bounded in bytes too', async () => {
  const { count, create } = counting();
  const verifier = create({ bundle: { snapshot: bundle(trusted, [signing]), key: trusted.jwk }, now: () => start, cache: 8 });
  const large = Array.from({ length: 6 }, (_, i) => token(signing, { jti: `${i}`, more: 'x'.repeat(2300) }));
  for (const shown of large) assert.ok((await verifier.verify(shown)).ok);
  count.verified = 0;
  for (const shown of large) await verifier.verify(shown);
  assert.ok(count.verified >= 4, `${count.verified} verified again: six of 3 KiB are not in 8 KiB`);
  count.verified = 0;
  await verifier.verify(large[5]);
  assert.equal(count.verified, 0, 'the last one is there');
});

test('a new bundle with the same keys keeps what is known to be good', async () => {
  const { count, create } = counting();
  let answer = bundle(trusted, [signing]);
  const fetch = async () => new Response(answer);
  const verifier = create({ bundle: { url: 'https://id.example/b', key: trusted.jwk }, now: () => start, fetch });
  await verifier.verify(good);
  answer = bundle(trusted, [signing, key('ES256')], { number: 2 });
  await verifier.refresh();
  count.verified = 0;
  assert.ok((await verifier.verify(good)).ok);
  assert.equal(count.verified, 0);
});

test('a bundle that comes while a signature is verified is the one that counts', async () => {
  let release;
  const held = new Promise((done) => (release = done));
  let hold = false;
  const { count, create } = counting({ prepare: webcrypto.prepare, verify: async (...given) => (hold && (await held), webcrypto.verify(...given)) });
  let answer = bundle(trusted, [signing]);
  const verifier = create({ bundle: { url: 'https://id.example/b', key: trusted.jwk }, now: () => start, fetch: async () => new Response(answer) });
  assert.ok((await verifier.verify(token(signing, { jti: 'first' }))).ok); // the key is imported
  hold = true;
  count.verified = 0;
  const verdict = verifier.verify(good);
  await until(() => count.verified === 1, 'the signature to be looked at');
  hold = false;
  answer = bundle(trusted, [], { number: 2, base: 1, marks: everything });
  await verifier.refresh();
  release();
  assert.equal((await verdict).code, 'token_revoked');
});

test('a key that changes while a signature is verified is not taken for the former', async () => {
  let release;
  const held = new Promise((done) => (release = done));
  let hold = false;
  const { count, create } = counting({ prepare: webcrypto.prepare, verify: async (...given) => (hold && (await held), webcrypto.verify(...given)) });
  let answer = bundle(trusted, [signing]);
  const verifier = create({ bundle: { url: 'https://id.example/b', key: trusted.jwk }, now: () => start, fetch: async () => new Response(answer) });
  assert.ok((await verifier.verify(token(signing, { jti: 'first' }))).ok); // the key is imported
  hold = true;
  count.verified = 0;
  const verdict = verifier.verify(good);
  await until(() => count.verified === 1, 'the signature to be looked at');
  hold = false;
  answer = bundle(trusted, [key('EdDSA')], { number: 2 });
  await verifier.refresh();
  release();
  assert.equal((await verdict).code, 'token_signature');
});

test('many at once, each with its own signature', async () => {
  const { create } = counting(webcrypto);
  const verifier = create({ bundle: { snapshot: bundle(trusted, [signing]), key: trusted.jwk }, now: () => start });
  const forger = key('EdDSA');
  const shown = Array.from({ length: 60 }, (_, i) => [token(i % 3 ? signing : forger, { jti: `t${i}`, sub: `user${i}` }), i]);
  const verdicts = await Promise.all(shown.map(([text]) => verifier.verify(text)));
  for (const [, i] of shown) {
    assert.equal(verdicts[i].ok, i % 3 !== 0);
    if (verdicts[i].ok) assert.equal(verdicts[i].principal.subject, `user${i}`);
  }
});

test('a host that cannot verify a signature does not call it bad', async (t) => {
  const fail = () => {
    throw new Error('no such algorithm');
  };
  for (const by of [
    { prepare: fail, verify: fail },
    { prepare: async () => fail(), verify: fail },
    { prepare: async () => ({}), verify: async () => fail() },
    { prepare: () => ({}), verify: fail },
  ]) {
    const { create } = counting(by);
    const traps = trapping(t, 'abi');
    const verifier = create({ jwks: { keys: [signing.jwk], issuer: 'https://id.example', audience: 'https://api.example' }, now: () => start });
    for (let i = 0; i < 3; i++) {
      const verdict = await verifier.verify(good);
      assert.equal(verdict.status, 503);
      assert.equal(verdict.code, 'verifier_failed');
      assert.match(String(verifier.held().error.cause), /no such algorithm/);
    }
    assert.equal(traps.instances, 1, 'the instance is not to blame');
  }
});

for (const name of ['decide', 'settle', 'result', 'input', 'wanted_key', 'key']) {
  test(`a trap in ${name} costs an instance, and nothing that was held`, async (t) => {
    const state = trapping(t, name);
    const answers = [bundle(trusted, [signing]), bundle(trusted, [], { number: 2, base: 1 }), bundle(trusted, [], { number: 3, base: 2, marks: everything })];
    const { verifier } = await fixture(t, (request, count) => jose(answers[count - 1]), { cache: 0 });
    await verifier.refresh();
    await verifier.refresh();
    assert.ok((await verifier.verify(good)).ok);
    const before = state.instances;
    state.traps = 1;
    assert.ok((await verifier.verify(token(signing, { jti: 'j2' }))).ok, 'decided by another instance');
    assert.ok(name === 'key' || state.instances === before + 1);
    await verifier.refresh();
    assert.equal((await verifier.verify(good)).code, 'token_revoked');
    state.traps = 1;
    assert.equal((await verifier.verify(good)).code, 'token_revoked', 'the delta is in the next one too');
    assert.equal(verifier.held().number, 3);
  });
}

test('an instance that fails at once is not tried again for the same request', async (t) => {
  const state = trapping(t, 'decide');
  const { verifier } = await fixture(t, () => jose(bundle(trusted, [signing])));
  assert.ok((await verifier.verify(good)).ok);
  state.traps = Infinity;
  const before = state.instances;
  for (let i = 1; i <= 5; i++) {
    const verdict = await verifier.verify(good);
    assert.equal(verdict.status, 503);
    assert.equal(verdict.code, 'verifier_failed');
    assert.ok(state.instances <= before + i + 1);
  }
  state.traps = 0;
  assert.ok((await verifier.verify(good)).ok);
});

test('a trap while a bundle is loaded is a failure to load it', async (t) => {
  const { verifier, time } = await fixture(t, (request, count) => jose(bundle(trusted, [signing], { number: count })));
  await verifier.refresh();
  const state = trapping(t, 'load');
  state.traps = 0;
  assert.ok((await verifier.verify(good)).ok);
  time.tick(1);
  assert.ok((await verifier.verify(good)).ok);
});

test('memory that grows is given back', async (t) => {
  const real = WebAssembly.Instance;
  t.after(() => (WebAssembly.Instance = real));
  let instances = 0;
  let grown = 0;
  WebAssembly.Instance = function (...given) {
    instances++;
    const { exports } = new real(...given);
    return {
      exports: {
        ...exports,
        hexward_load(...parameters) {
          exports.memory.grow(64); // as a module that frees nothing
          grown += 4;
          return exports.hexward_load(...parameters);
        },
      },
    };
  };
  const { verifier } = await fixture(t, (request, count) =>
    jose(request.url.includes('since') ? bundle(trusted, [], { number: count, base: count - 1 }) : bundle(trusted, [signing], { number: count })),
  );
  for (let i = 0; i < 60; i++) {
    await verifier.refresh();
    assert.ok((await verifier.verify(good)).ok);
  }
  assert.ok(grown >= 240);
  assert.ok(instances >= 3 && instances < 20, `${instances} instances`);
  assert.equal(verifier.held().number, 60);
});

// growing makes instances whose hexward_NAME needs more memory with each call, by what pages tells of its input.
function growing(t, name, pages) {
  const real = WebAssembly.Instance;
  const state = { instances: 0, most: 0 };
  t.after(() => (WebAssembly.Instance = real));
  WebAssembly.Instance = function (...given) {
    state.instances++;
    const { exports } = new real(...given);
    const grow = (length, ...rest) => {
      exports.memory.grow(pages(length));
      state.most = Math.max(state.most, exports.memory.buffer.byteLength >> 20);
      return exports[`hexward_${name}`](length, ...rest);
    };
    return { exports: { ...exports, [`hexward_${name}`]: grow } };
  };
  return state;
}

test('memory that decisions use is given back', async (t) => {
  const state = growing(t, 'decide', () => 16);
  const answers = [bundle(trusted, [signing]), bundle(trusted, [], { number: 2, base: 1, marks: everything })];
  const { verifier } = await fixture(t, (request, count) => jose(answers[count - 1]));
  for (let i = 0; i < 300; i++) assert.ok((await verifier.verify(good)).ok);
  assert.ok(state.most < 64 && state.instances > 4 && state.instances < 12, `${state.most} MiB, ${state.instances} instances`);
  await verifier.refresh();
  for (let i = 0; i < 100; i++) assert.equal((await verifier.verify(good)).code, 'token_revoked', 'by each instance');
  assert.ok(state.most < 64, `${state.most} MiB`);
});

test('a bundle that takes much memory is not asked for again and again', async (t) => {
  const whole = bundle(trusted, [signing]);
  const state = growing(t, 'load', (length) => (length === whole.length ? 1000 : 0));
  const { verifier, server } = await fixture(t, (request, count) =>
    jose(request.url.includes('since') ? bundle(trusted, [], { number: count, base: count - 1 }) : whole),
  );
  for (let i = 0; i < 20; i++) {
    await verifier.refresh();
    assert.ok((await verifier.verify(good)).ok);
  }
  assert.equal(verifier.held().number, 20);
  assert.ok(state.most > 60, `${state.most} MiB`);
  assert.equal(state.instances, 1);
  assert.equal(server.requests.filter(({ url }) => !url.includes('since')).length, 1);
});

test('the module may be given', async (t) => {
  const { readFileSync } = await import('node:fs');
  const bytes = readFileSync(new URL('../dist/host.wasm', import.meta.url));
  const { serve } = await import('./serve.js');
  const server = await serve(t, (request) => ({ body: bytes, headers: { 'content-type': request.url.endsWith('typed') ? 'application/wasm' : 'text/plain' } }));
  const options = { jwks: { keys: [signing.jwk], issuer: 'https://id.example', audience: 'https://api.example' }, now: () => start };
  for (const wasm of [module, bytes, Promise.resolve(module), `${server.url}?typed`, new URL(server.url), new Response(bytes)]) {
    const verifier = createVerifier({ ...options, wasm });
    const both = await Promise.all([verifier.verify(good), verifier.verify(good)]);
    assert.ok(both.every((verdict) => verdict.ok));
  }
  const absent = createVerifier({ ...options, wasm: 'http://127.0.0.1:1/' });
  assert.equal((await absent.verify(good)).code, 'verifier_failed');
  assert.ok(absent.held().error);
});
