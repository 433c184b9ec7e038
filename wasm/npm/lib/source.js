// Where bundles and key sets come from, and when they are asked for: while requests are answered, because an edge worker
// runs at no other time. What is held is used while something newer is fetched; one fetch is under way at a time; after a
// failure there is a pause, which grows.

import { soon } from './engine.js';

const longestPause = 60; // seconds
const storeWait = 2; // seconds
const longPoll = 25; // seconds

const sleep = (ms, signal) =>
  new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true });
  });

export class Source {
  #engine;
  #o;
  #flight; // what is under way
  #next = 0; // when to ask again, Unix ms
  #failures = 0;
  #etag;
  #whole = false; // ask for no delta
  #watching = false;
  fetched = 0; // when it was last heard of, Unix ms
  error; // what went wrong last; undefined when nothing did

  // The options are url, headers, refresh (seconds), limit (bytes), take (bytes to a promise of whether it is usable),
  // usable (ms to whether what is held is), deltas, store, fetch, now, background, conditional.
  constructor(engine, options) {
    this.#engine = engine;
    this.#o = options;
  }

  // touch begins to fetch when it is time to, and returns what is its own of that.
  touch(ctx) {
    if (!this.#due()) return undefined;
    const mine = this.#start();
    mine.kept = typeof ctx?.waitUntil === 'function';
    if (mine.kept) ctx.waitUntil(mine.done);
    return mine;
  }

  // ready is touch; it returns a promise if the request has to wait.
  ready(ctx) {
    const mine = this.touch(ctx);
    if (!this.#usable()) return this.#flight && this.#arrival(mine);
    return mine && !mine.kept && !this.#o.background ? mine.done : undefined;
  }

  // again is for a key that is not known: it returns a promise if a fetch may bring it.
  again() {
    const { now, refresh } = this.#o;
    if (this.#flight) return this.#arrival();
    if (this.#failures > 0 || now() - this.fetched < Math.min(refresh, 30) * 1000) return;
    return this.#start().done;
  }

  // watch asks again and again, in requests that the server answers as soon as there is something newer.
  async watch(signal) {
    this.#watching = true;
    try {
      while (!signal?.aborted) {
        const began = this.#o.now();
        await this.#poll(longPoll, signal);
        const pause = this.#failures > 0 ? this.#next - this.#o.now() : began + this.#o.refresh * 1000 - this.#o.now();
        await sleep(Math.min(Math.max(pause, 50), longestPause * 1000), signal);
      }
    } finally {
      this.#watching = false;
    }
  }

  refresh() {
    return (this.#alive() ?? this.#start()).done;
  }

  #usable() {
    return this.#o.usable(this.#o.now());
  }

  // alive is what is under way. At the edge it dies with the request that began it, unnoticed.
  #alive() {
    if (this.#flight && Math.abs(Date.now() - this.#flight.began) > (this.#o.timeout + storeWait) * 1000) this.#flight = undefined;
    return this.#flight;
  }

  #due() {
    const wait = this.#next - this.#o.now();
    const watched = this.#watching && this.#failures === 0 && this.#usable();
    return !this.#alive() && !watched && (wait <= 0 || wait > Math.max(this.#o.refresh, longestPause) * 1000);
  }

  #start() {
    const flight = { began: Date.now() };
    this.#flight = flight;
    flight.stored = this.#usable() ? undefined : this.#fromStore();
    flight.done = (async () => {
      await flight.stored;
      await this.#poll();
      if (this.#flight === flight) this.#flight = undefined;
    })();
    return flight;
  }

  // arrival waits until something is held, or nothing is under way. A promise that another request made is not awaited: it
  // need not settle when that request is over.
  async #arrival(mine) {
    if (mine) {
      await mine.stored;
      if (!this.#usable()) await mine.done;
      return;
    }
    const flight = this.#flight;
    for (let i = 0; this.#flight === flight && i < this.#o.timeout * 200; i++) await sleep(5);
  }

  async #poll(wait = 0, signal) {
    const { url, refresh, timeout, now, deltas, conditional, limit, fetch, headers, take, store } = this.#o;
    const to = new URL(url);
    const held = this.#engine.number;
    const since = deltas && held > 0 && !this.#whole && !this.#engine.long;
    if (since) to.searchParams.set('since', held);
    if (since && wait > 0) to.searchParams.set('wait', wait);
    const asked = { ...headers };
    if (conditional && this.#etag && !this.#whole && !this.#engine.long) asked['if-none-match'] = this.#etag;
    try {
      const bytes = await get(fetch, to.href, asked, limit, wait + timeout, signal, (etag) => (asked.etag = etag));
      if (bytes) {
        const taken = await take(bytes);
        this.#whole = taken.code === 'bundle_base';
        if (taken.code && taken.code !== 'bundle_old') throw new Error(`refused: ${taken.code}`);
        this.#etag = asked.etag;
        if (store && taken.whole) {
          const ttl = Math.max(60, Math.ceil(taken.expires - now() / 1000));
          await within(() => store.put(this.#key, new TextDecoder().decode(bytes), { expirationTtl: ttl }));
        }
      }
      this.#failures = 0;
      this.error = undefined;
      this.fetched = now();
      this.#next = this.fetched + refresh * 1000;
    } catch (error) {
      if (signal?.aborted) return;
      this.error = error;
      this.#next = now() + Math.min(2 ** this.#failures++, longestPause) * 1000;
    }
  }

  get #key() {
    return `hexward-bundle ${this.#o.url}`;
  }

  // fromStore takes what other workers have left; take verifies it as if it had come from the server.
  async #fromStore() {
    const { store, take, limit } = this.#o;
    try {
      await soon(this.#engine.begin());
      if (!store || this.#usable()) return;
      const text = await within(() => store.get(this.#key));
      if (typeof text === 'string' && text.length <= limit) await take(new TextEncoder().encode(text));
    } catch {
      // the server is asked next
    }
  }
}

// within is what a store says, or nothing if it takes too long or fails.
async function within(ask) {
  let timer;
  const late = new Promise((done) => (timer = setTimeout(done, storeWait * 1000)));
  try {
    return await Promise.race([ask(), late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

// get returns the body of a 200, or nothing for a 304. A redirect is no answer: it could lead anywhere, with our headers.
async function get(fetch, url, headers, limit, seconds, signal, tag) {
  const late = AbortSignal.timeout(seconds * 1000);
  const response = await fetch(url, { headers, redirect: 'manual', signal: signal ? AbortSignal.any([signal, late]) : late });
  const reader = response.body?.getReader();
  const parts = [];
  let size = 0;
  try {
    if (response.status === 304) return undefined;
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    for (let part; reader && !(part = await reader.read()).done; parts.push(part.value)) {
      size += part.value.length;
      if (size > limit) throw new Error(`answered more than ${limit} bytes`);
    }
    tag(response.headers.get('etag'));
  } finally {
    reader?.cancel().catch(() => {});
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

// checkURL checks an address that keys or bundles come from.
export function checkURL(url) {
  const { protocol, hostname, href } = new URL(url);
  if (protocol !== 'https:' && !(protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))) {
    throw new TypeError('keys and bundles come from an https: URL, or from this machine');
  }
  return href;
}
