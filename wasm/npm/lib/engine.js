// Deciding, without input or output: an instance, what it was loaded with, and the signatures known to be good.
//
// What may have to wait is a generator that yields what it waits for. soon runs one to its end, and atOnce does so without
// ever waiting.

import { Core } from './core.js';

const maxBundle = 16 << 20; // bytes
const maxBundles = 64; // a whole one and the deltas to it
const maxKeys = 256; // that are remembered
// bytes of an instance that began with some, beyond which it is replaced: not every module gives back what it used
const limit = (begun) => Math.max(48 << 20, 2 * begun);
const turns = 5; // to settle one question, should keys or instances change meanwhile

const decoder = new TextDecoder();

// Unable says that the host could not verify a signature, whatever that signature is worth.
class Unable extends Error {}

class Misconfigured extends TypeError {}

export const failed = {
  allowed: false,
  status: 503,
  code: 'verifier_failed',
  detail: 'this could not be decided; please try again',
  challenge: '',
};

const waits = (value) => typeof value?.then === 'function';

export async function soon(work) {
  let step = work.next();
  while (!step.done) {
    try {
      step = work.next(waits(step.value) ? await step.value : step.value);
    } catch (error) {
      step = work.throw(error);
    }
  }
  return step.value;
}

export function atOnce(work) {
  let step = work.next();
  while (!step.done) {
    if (waits(step.value)) {
      step.value.then(null, () => {});
      throw new TypeError('this cannot be decided at once');
    }
    step = work.next(step.value);
  }
  return step.value;
}

export class Engine {
  #platform;
  #setup;
  #now;
  #module;
  #core;
  #seen;
  #keys = new Map(); // by their JWKs
  #bundles = []; // what is held: a whole bundle, and the deltas to it
  number = 0;
  expires = 0; // Unix seconds
  error; // why there was no decision the last time that there was none

  // setup has trust (a JWK Set as JSON), snapshot (a bundle), config (an unsigned one as JSON), stale (seconds), cache
  // (entries) and wasm.
  constructor(platform, setup, now) {
    this.#platform = platform;
    this.#setup = setup;
    this.#now = now;
    this.#seen = new Seen(setup.cache);
  }

  // decide returns a verdict.
  *decide(fields) {
    for (let turn = 0; turn < turns; turn++) {
      let used = false;
      try {
        const core = yield* this.begin();
        used = core.used;
        const { status, result } = yield* this.#ask(core, 'decide', fields, this.#seen);
        if (status !== 0) throw new Error('there is no decision');
        core.used = true;
        if (core.size > limit(core.begun)) this.#drop(core);
        return result;
      } catch (error) {
        if (error instanceof Misconfigured) throw error;
        this.error = error;
        if (!used || error instanceof Unable) break; // an instance that has just begun would fail again
      }
    }
    return failed;
  }

  // load takes a bundle or a delta into use. It returns { code: '', number, expires, whole }, or { code, detail } for one
  // that is refused, which changes nothing.
  *load(bytes) {
    const core = yield* this.begin();
    const result = yield* this.#load(core, bytes);
    if (result.code) return result;
    const whole = this.#hold(bytes, result).length === 1;
    if (this.#core !== core || (whole && this.long)) this.#core = undefined; // what is in its place lacks this
    return { ...result, whole };
  }

  // configure takes an unsigned bundle into use, as JSON, and reports whether it could.
  *configure(json) {
    const core = yield* this.begin();
    if (core.ask('configure', json) !== 0) return false;
    this.#setup.config = json;
    return true;
  }

  // forget lets go of what was configured.
  forget() {
    this.#setup.config = this.#core = undefined;
  }

  // long reports whether a whole bundle is the better thing to have: deltas have become many, or memory large.
  get long() {
    return this.#bundles.length > maxBundles || this.#core?.size > limit(this.#core?.least);
  }

  // begin makes an instance, if there is none, that holds what is held.
  *begin() {
    const { trust, stale, snapshot } = this.#setup;
    while (!this.#core) {
      const module = yield* this.#compiled();
      const { config } = this.#setup;
      let bundles = this.#bundles;
      const core = new Core(module);
      const needs = (status, what) => {
        if (status !== 0) throw new Misconfigured(`${what} cannot be used`);
      };
      if (trust) needs(core.ask('trust', trust), 'bundle.key');
      needs(core.stale(stale), 'stale');
      if (config) needs(core.ask('configure', config), 'jwks');
      for (const bytes of bundles) yield* this.#load(core, bytes);
      if (snapshot && bundles.length === 0) {
        const result = yield* this.#load(core, snapshot);
        if (!result.code && bundles === this.#bundles) bundles = this.#hold(snapshot, result);
        if (result.code !== 'bundle_expired') needs(result.code ? 2 : 0, `bundle.snapshot (${result.code})`);
      }
      core.begun = core.size;
      if (bundles === this.#bundles && config === this.#setup.config) this.#core ??= core; // else it lacks what came meanwhile
    }
    return this.#core;
  }

  *#compiled() {
    try {
      return (this.#module = yield (this.#module ??= this.#platform.module(this.#setup.wasm)));
    } catch (error) {
      this.#module = undefined;
      throw error;
    }
  }

  #hold(bytes, { number, expires }) {
    const [, payload] = decoder.decode(bytes).split('.');
    const { base } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    this.#bundles = base ? [...this.#bundles, bytes] : [bytes];
    this.number = number;
    this.expires = expires;
    return this.#bundles;
  }

  *#load(core, bytes) {
    if (bytes.length > maxBundle) return { code: 'bundle_too_long' };
    const { status, result } = yield* this.#ask(core, 'load', bytes);
    core.least ??= core.begun = core.size;
    return { code: status === 0 ? '' : 'bundle_refused', ...result };
  }

  // ask puts a question until it is settled. It throws Unable, or what the instance has thrown, which is dead then.
  *#ask(core, what, input, seen) {
    const settled = (good) => ({ status: core.settle(good), result: JSON.parse(core.result()) });
    const guarded = (step) => {
      try {
        return step();
      } catch (error) {
        if (!(error instanceof Unable)) this.#drop(core);
        throw error;
      }
    };
    for (let turn = 0, known; turn < turns && !core.dead; turn++) {
      const answer = guarded(() => {
        const status = core.ask(what, input, this.#now());
        if (status !== 1) return { status, result: JSON.parse(core.result()) };
        const good = this.#judge(core, seen, known);
        return waits(good) ? good : settled(good);
      });
      if (!waits(answer)) return answer;
      const { asked } = core;
      known = yield answer;
      if (known.good) seen?.add(known);
      if (core.asked === asked && !core.dead) return guarded(() => settled(known.good));
    }
    throw new Error('this could not be settled');
  }

  // judge tells whether the wanted signature is good; or it is a promise of what is known then.
  #judge(core, seen, known) {
    const key = this.#key(core, core.wantedKey);
    if (!key) return core.check();
    const input = core.wantedInput;
    const signature = core.wantedSignature;
    const text = decoder.decode(input);
    const same = (one) =>
      one?.text === text && one.key === key && one.signature.length === signature.length && one.signature.every((byte, i) => byte === signature[i]);
    for (const one of [known, seen?.get(text)]) if (same(one)) return one.good;
    const judged = (good) => ({ text, key, signature: copy, good });
    const copy = signature.slice();
    const good = this.#platform.inside ? core.check() : this.#verify(key, copy, input);
    if (waits(good)) return good.then(judged);
    if (good) seen?.add(judged(good));
    return good;
  }

  // key is the same for the same key, whichever bundle or instance it came with. Secrets stay in the module.
  #key(core, handle) {
    let key = core.keys.get(handle);
    const jwk = key || core.key(handle);
    if (key || !jwk) return key;
    key = this.#keys.get(jwk) ?? { jwk: JSON.parse(jwk) };
    for (const [keys, name] of [
      [this.#keys, jwk],
      [core.keys, handle],
    ]) {
      if (keys.size >= maxKeys) keys.clear();
      keys.set(name, key);
    }
    return key;
  }

  #verify(key, signature, input) {
    const { prepare, verify } = this.#platform;
    const unable = (cause) => {
      throw new Unable('the host cannot verify this signature', { cause });
    };
    try {
      const ready = key.ready ?? prepare(key.jwk);
      if (waits(ready)) {
        const copy = input.slice();
        return ready.then((ready) => verify((key.ready = ready), signature, copy)).catch(unable);
      }
      key.ready = ready;
      const good = verify(ready, signature, input);
      return waits(good) ? good.catch(unable) : good;
    } catch (error) {
      return unable(error);
    }
  }

  // drop forgets an instance that has thrown.
  #drop(core) {
    core.dead = true;
    if (this.#core === core) this.#core = undefined;
  }
}

// Seen remembers the good signatures that were asked for last, by what was signed: so many of them, in as many KiB.
class Seen {
  #most;
  #found = new Map();
  #size = 0;

  constructor(most) {
    this.#most = most;
  }

  get(text) {
    const one = this.#found.get(text);
    if (one) this.#found.delete(text) && this.#found.set(text, one);
    return one;
  }

  add(one) {
    this.#remove(one.text);
    this.#found.set(one.text, one);
    this.#size += sizeOf(one);
    for (const text of this.#found.keys()) {
      if (this.#found.size <= this.#most && this.#size <= this.#most * 1024) break;
      this.#remove(text);
    }
  }

  #remove(text) {
    const one = this.#found.get(text);
    if (this.#found.delete(text)) this.#size -= sizeOf(one);
  }
}

const sizeOf = ({ text, signature }) => text.length + signature.length;
