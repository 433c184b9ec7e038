// Deciding, without input or output: an instance, what it was loaded with, and the signatures known to be good.
//
// What may have to wait is a generator that yields what it waits for. soon runs one to its end, and atOnce does so without
// ever waiting.

import { Core } from './core.js';

const maxBundle = 16 << 20; // bytes
const maxBundles = 64; // a whole one and the deltas to it
const maxKeys = 256; // that are remembered
const maxMemory = 48 << 20; // bytes of an instance, beyond which it is replaced: not every module gives back what it used
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

export async function soon(work) {
  let step = work.next();
  while (!step.done) {
    let value = step.value;
    if (typeof value?.then === 'function') {
      try {
        value = await value;
      } catch (error) {
        step = work.throw(error);
        continue;
      }
    }
    step = work.next(value);
  }
  return step.value;
}

export function atOnce(work) {
  let step = work.next();
  while (!step.done) {
    if (typeof step.value?.then === 'function') {
      step.value.then(undefined, () => {});
      throw new TypeError('deciding at once needs @hexward/verifier/full, or node:crypto, and a module that is compiled');
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
  #count = 0;
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
    for (let turn = 0, known; turn < turns; turn++) {
      let core, answer, used;
      try {
        core = yield* this.begin();
        used = core.used;
        let status = core.decide(fields, this.#now());
        if (status === 1) {
          answer = this.#answer(core, this.#seen, known);
          status = answer.status;
        }
        if (!answer?.later) {
          if (status !== 0) throw new Error('there is no decision');
          const verdict = core.result();
          core.used = true;
          return verdict;
        }
      } catch (error) {
        if (error instanceof Misconfigured) throw error;
        this.error = error;
        if (error instanceof Unable) return failed;
        this.#drop(core);
        if (used) continue; // an instance that has just begun fails again
        return failed;
      }
      try {
        known = yield answer.later;
      } catch (error) {
        this.error = error;
        return failed;
      }
    }
    return failed;
  }

  // load takes a bundle or a delta into use. It returns { code: '', number, expires, whole }, or { code, detail } for one
  // that is refused, which changes nothing.
  *load(bytes) {
    if (bytes.length > maxBundle) return { code: 'bundle_too_long' };
    const core = yield* this.begin();
    const result = yield* this.#load(core, bytes);
    if (result.code) return result;
    const whole = this.#hold(bytes, result).length === 1;
    if (this.#core !== core || (whole && core.size > maxMemory)) this.#core = undefined; // what is in its place lacks this
    return { ...result, whole };
  }

  // configure takes an unsigned bundle into use, as JSON, and reports whether it could.
  *configure(json) {
    const core = yield* this.begin();
    if (!core.configure(json)) return false;
    this.#setup.config = json;
    return true;
  }

  // forget lets go of what was configured.
  forget() {
    this.#setup.config = undefined;
    this.#core = undefined;
  }

  // long reports whether a whole bundle is the better thing to have: deltas have become many, or memory large.
  get long() {
    return this.#bundles.length > maxBundles || this.#core?.size > maxMemory;
  }

  // begin makes an instance, if there is none, that holds what is held.
  *begin() {
    const { trust, stale, snapshot } = this.#setup;
    while (!this.#core) {
      const module = yield* this.#compiled();
      const { config } = this.#setup;
      let bundles = this.#bundles;
      const core = new Core(module);
      if (trust && !core.trust(trust)) throw new Misconfigured('bundle.key is no public JWK, or set of them');
      if (!core.stale(stale)) throw new Misconfigured('stale is out of range');
      if (config && !core.configure(config)) throw new Misconfigured('jwks is refused: see issuer, audience, keys and leeway');
      for (const bytes of bundles) yield* this.#load(core, bytes);
      if (snapshot && bundles.length === 0) {
        const result = yield* this.#load(core, snapshot);
        if (result.code && result.code !== 'bundle_expired') throw new Misconfigured(`bundle.snapshot is refused: ${result.code}`);
        if (!result.code && bundles === this.#bundles) bundles = this.#hold(snapshot, result);
      }
      if (bundles === this.#bundles && config === this.#setup.config) this.#core ??= core; // else it lacks what came meanwhile
    }
    return this.#core;
  }

  *#compiled() {
    try {
      this.#module = yield (this.#module ??= this.#platform.module(this.#setup.wasm));
      return this.#module;
    } catch (error) {
      this.#module = undefined;
      throw error;
    }
  }

  #hold(bytes, { number, expires }) {
    this.#bundles = baseOf(bytes) > 0 ? [...this.#bundles, bytes] : [bytes];
    this.number = number;
    this.expires = expires;
    return this.#bundles;
  }

  *#load(core, bytes) {
    for (let turn = 0, known; turn < turns; turn++) {
      let answer;
      try {
        let status = core.load(bytes, this.#now());
        if (status === 1) {
          answer = this.#answer(core, undefined, known);
          status = answer.status;
        }
        if (!answer?.later) return { code: status === 0 ? '' : 'bundle_refused', ...core.result() };
      } catch (error) {
        if (!(error instanceof Unable)) this.#drop(core);
        throw error;
      }
      known = yield answer.later;
    }
    throw new Unable('the bundle could not be settled');
  }

  // answer settles what core wants if it can at once; else its later is a promise of what is known then.
  #answer(core, seen, known) {
    const { handle, input, signature } = core.wanted();
    const key = this.#key(core, handle);
    if (!key) return { status: core.settle(core.check()) };
    const id = `${key.number} ${decoder.decode(input)} ${String.fromCharCode(...signature)}`;
    let good = known?.id === id ? known.good : seen?.has(id) || undefined;
    if (good === undefined) {
      good = this.#platform.inside ? core.check() : this.#verify(key, signature, input);
      if (typeof good !== 'boolean') return { later: good.then((good) => ({ id, good })) };
    }
    if (good) seen?.add(id);
    return { status: core.settle(good) };
  }

  // key is the same for the same key, whichever bundle or instance it came with. Secrets stay in the module.
  #key(core, handle) {
    let key = core.keys.get(handle);
    if (key) return key;
    const text = core.key(handle);
    if (!text) return undefined;
    key = this.#keys.get(text);
    if (!key) {
      if (this.#keys.size >= maxKeys) this.#keys.clear();
      key = { number: this.#count++, jwk: JSON.parse(text), ready: undefined };
      this.#keys.set(text, key);
    }
    if (core.keys.size >= maxKeys) core.keys.clear();
    core.keys.set(handle, key);
    return key;
  }

  #verify(key, signature, input) {
    const { prepare, verify } = this.#platform;
    const unable = (error) => {
      throw new Unable('the host cannot verify this signature', { cause: error });
    };
    try {
      const ready = key.ready ?? prepare(key.jwk);
      if (typeof ready.then === 'function') return ready.then((ready) => verify((key.ready = ready), signature, input)).catch(unable);
      key.ready = ready;
      const good = verify(ready, signature, input);
      return typeof good === 'boolean' ? good : good.catch(unable);
    } catch (error) {
      return unable(error);
    }
  }

  // drop forgets an instance that has thrown.
  #drop(core) {
    if (this.#core === core) this.#core = undefined;
  }
}

// Seen remembers good signatures: the last entries/2 at least, entries at most, in entries KiB at most.
class Seen {
  #most;
  #young = new Set();
  #old = new Set();
  #size = 0;

  constructor(entries) {
    this.#most = entries / 2;
  }

  has(id) {
    if (this.#young.has(id)) return true;
    if (!this.#old.has(id)) return false;
    this.add(id);
    return true;
  }

  add(id) {
    if (id.length > this.#most * 1024 || this.#young.has(id)) return;
    this.#size += id.length;
    if (this.#young.size >= this.#most || this.#size > this.#most * 1024) {
      this.#old = this.#young;
      this.#young = new Set();
      this.#size = id.length;
    }
    this.#young.add(id);
  }
}

// baseOf is the base of a delta that was verified; 0 for a whole bundle.
function baseOf(bytes) {
  const [, payload] = decoder.decode(bytes).split('.');
  return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))).base ?? 0;
}
