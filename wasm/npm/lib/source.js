// Where bundles and key sets come from, and when they are asked for: while requests are answered, because an edge worker
// runs at no other time. What is held is used while something newer is fetched; one fetch is under way at a time; after a
// failure there is a pause, which grows.

import { soon } from './engine.js';

const longestPause = 60; // seconds, while what is held decides
const urgentPause = 5; // seconds, while nothing is decided
const patience = 2; // seconds, with a store, and with the server while there is something to decide by
const longPoll = 25; // seconds

const sleep = (seconds, signal) =>
  new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      done();
    };
    const timer = setTimeout(end, seconds * 1000);
    signal?.addEventListener('abort', end);
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

  // The options are url, headers, refresh and timeout (seconds), limit (bytes), take (bytes to a promise of what became of
  // them), usable (whether what is held is, at a time), store, fetch, now, background and conditional.
  constructor(engine, options) {
    this.#engine = engine;
    this.#o = options;
  }

  // touch begins to fetch when it is time to, and returns what is its own of that.
  touch(ctx) {
    const { now, refresh } = this.#o;
    const wait = (this.#next - now()) / 1000;
    const watched = this.#watching && this.#failures === 0 && this.#usable();
    if (this.#alive() || watched || (wait > 0 && wait <= Math.max(refresh, longestPause))) return undefined;
    const mine = this.#start();
    mine.kept = typeof ctx?.waitUntil === 'function';
    if (mine.kept) ctx.waitUntil(mine.done);
    return mine;
  }

  // ready is touch; it returns a promise if the request has to wait: while there is nothing to decide by, and for a while
  // where nothing was heard for so long that a revocation may have been missed. A server that is away is not waited for.
  ready(ctx) {
    const { now, refresh, background } = this.#o;
    const mine = this.touch(ctx);
    const recent = this.#failures > 0 || Math.abs(now() - this.fetched) <= 2000 * refresh;
    if (this.#flight && !(this.#usable() && recent)) return this.#arrival(mine);
    return mine && !mine.kept && !background ? mine.done : undefined;
  }

  // again is for a key that is not known: it returns a promise if a fetch may bring it.
  again() {
    const { now, refresh } = this.#o;
    if (this.#flight) return this.#arrival();
    return this.#failures > 0 || now() - this.fetched < Math.min(refresh, 30) * 1000 ? undefined : this.#start().done;
  }

  // watch asks again and again, in requests that the server answers as soon as there is something newer.
  async watch(signal) {
    const { now, refresh } = this.#o;
    this.#watching = true;
    while (!signal?.aborted) {
      const soonest = now() + refresh * 1000;
      await this.#poll(longPoll, signal);
      const pause = ((this.#failures > 0 ? this.#next : soonest) - now()) / 1000;
      await sleep(Math.min(Math.max(pause, 0.05), longestPause), signal);
    }
    this.#watching = false;
  }

  refresh() {
    return (this.#alive() ?? this.#start()).done;
  }

  #usable() {
    return this.#o.usable(this.#o.now());
  }

  // alive is what is under way. At the edge it dies with the request that began it, unnoticed.
  #alive() {
    if (Math.abs(Date.now() - this.#flight?.began) > (this.#o.timeout + patience) * 1000) this.#flight = undefined;
    return this.#flight;
  }

  #start() {
    const flight = { began: Date.now(), stored: this.#usable() || this.#fromStore() };
    this.#flight = flight;
    flight.done = (async () => {
      await flight.stored;
      await this.#poll();
      if (this.#flight === flight) this.#flight = undefined;
    })();
    return flight;
  }

  // arrival waits until nothing is under way, or for too long. A promise that another request made is not awaited: it
  // need not settle when that request is over.
  async #arrival(mine) {
    const flight = this.#flight;
    const most = () => (this.#usable() ? patience : this.#o.timeout);
    if (mine) {
      await mine.stored;
      const over = new AbortController();
      await Promise.race([mine.done, sleep(most(), over.signal)]);
      over.abort();
    }
    for (let i = 0; !mine && this.#flight === flight && i < most() * 200; i++) await sleep(0.005);
  }

  async #poll(wait = 0, signal) {
    const { url, refresh, now, headers, conditional, take, store } = this.#o;
    const to = new URL(url);
    const asked = { ...headers };
    if (!this.#whole && !this.#engine.long) {
      if (this.#engine.number > 0) to.searchParams.set('since', this.#engine.number);
      if (this.#engine.number > 0 && wait > 0) to.searchParams.set('wait', wait);
      if (conditional && this.#etag) asked['if-none-match'] = this.#etag;
    }
    try {
      const { bytes, etag } = await get(this.#o, to.href, asked, wait, signal);
      if (bytes) {
        const { code, whole, expires } = await take(bytes);
        this.#whole = code === 'bundle_base';
        if (code && code !== 'bundle_old') throw new Error(`refused: ${code}`);
        this.#etag = etag;
        const expirationTtl = Math.max(60, Math.ceil(expires - now() / 1000));
        if (store && whole) await within(() => store.put(this.#key, new TextDecoder().decode(bytes), { expirationTtl }));
      }
      this.#failures = 0;
      this.error = undefined;
      this.fetched = now();
      this.#next = this.fetched + refresh * 1000;
    } catch (error) {
      if (signal?.aborted) return;
      this.error = error;
      this.#next = now() + Math.min(2 ** this.#failures++, this.#usable() ? longestPause : urgentPause) * 1000;
    }
  }

  get #key() {
    return `hexward-bundle ${this.#o.url}`;
  }

  // fromStore takes what other workers have left; take verifies it as if it had come from the server.
  async #fromStore() {
    const { store, take } = this.#o;
    try {
      await soon(this.#engine.begin());
      const text = store && !this.#usable() && (await within(() => store.get(this.#key)));
      if (typeof text === 'string') await take(new TextEncoder().encode(text));
    } catch {
      // the server is asked next
    }
  }
}

// within is what a store says, or nothing if it takes too long or fails.
async function within(ask) {
  try {
    return await Promise.race([ask(), sleep(patience)]);
  } catch {
    return undefined;
  }
}

// get returns the body and ETag of a 200, or neither for a 304. A redirect is no answer: it could lead anywhere, with our
// headers.
async function get({ fetch, limit, timeout }, url, headers, wait, signal) {
  const late = AbortSignal.timeout((wait + timeout) * 1000);
  const response = await fetch(url, { headers, redirect: 'manual', signal: signal ? AbortSignal.any([signal, late]) : late });
  const reader = response.body?.getReader();
  try {
    if (response.status === 304) return {};
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    const parts = [];
    for (let part, size = 0; reader && !(part = await reader.read()).done; parts.push(part.value)) {
      size += part.value.length;
      if (size > limit) throw new Error(`answered more than ${limit} bytes`);
    }
    return { bytes: new Uint8Array(await new Blob(parts).arrayBuffer()), etag: response.headers.get('etag') };
  } finally {
    reader?.cancel().catch(() => {});
  }
}
