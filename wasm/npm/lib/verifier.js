// The verifier, for any runtime: what a caller configures and calls.

import { Engine, atOnce, failed, soon } from './engine.js';
import { Source } from './source.js';

const maxRequest = 64 << 10; // characters of what is looked at

// verifierOn returns the createVerifier of a runtime: module gives its WebAssembly.Module, prepare and verify are its
// cryptography (or inside is set), background says that promises nobody waits for go on, conditional that If-None-Match
// costs nothing.
export function verifierOn(platform) {
  return (options) => {
    const from = typeof options === 'function' ? options : undefined;
    let made = from ? undefined : assemble(platform, options);
    const parts = (env) => (made ??= assemble(platform, from(env)));

    async function decided(fields, env, ctx) {
      const { engine, source } = parts(env);
      const decide = async () => result(fields.code ? fields : await soon(engine.decide(fields)));
      await source?.ready(ctx);
      const verdict = await decide();
      const news = verdict.code === 'token_key_unknown' && source?.again();
      if (!news) return verdict;
      await news;
      return decide();
    }

    function decidedAtOnce(fields, env, ctx) {
      const { engine, source } = parts(env);
      source?.touch(ctx);
      return result(fields.code ? fields : atOnce(engine.decide(fields)));
    }

    return {
      verify: (token, env, ctx) => decided(fieldsOfToken(token), env, ctx),
      verifySync: (token, env, ctx) => decidedAtOnce(fieldsOfToken(token), env, ctx),
      decide: async (request, env, ctx) => decided(fieldsOf(request), env, ctx),
      decideSync: (request, env, ctx) => decidedAtOnce(fieldsOf(request), env, ctx),
      async guard(request, env, ctx) {
        const { ok, principal, claims, ...refused } = await decided(fieldsOf(request), env, ctx);
        return ok ? { principal, claims } : { response: respond(refused, request) };
      },
      async refresh(env) {
        const { source } = parts(env);
        await source?.refresh();
        if (source?.error) throw source.error;
      },
      watch: async (signal, env) => parts(env).source?.watch(signal),
      held(env) {
        const { engine, source } = parts(env);
        return { number: engine.number, expires: engine.expires * 1000, fetched: source?.fetched ?? 0, error: source?.error ?? engine.error };
      },
    };
  };
}

function assemble(platform, options) {
  const { bundle, jwks, policy, cache = 1000, stale = 0, store, wasm, fetch = (...given) => globalThis.fetch(...given), now = Date.now } = options;
  if (!bundle === !jwks) throw new TypeError('either bundle or jwks');
  const setup = { cache, stale, wasm };
  const engine = new Engine(platform, setup, now);
  const { url, headers, refresh = jwks ? 600 : 1, timeout = 10, secret } = bundle ?? jwks;
  const common = { url, refresh, timeout, fetch, now, background: platform.background, conditional: platform.conditional };
  if (url && !/^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])/.test(new URL(url))) {
    throw new TypeError('url is https:, or http: on this machine');
  }
  if (bundle) {
    const { snapshot, key, keys = key } = bundle;
    if (!keys) throw new TypeError('bundle.key is missing');
    setup.trust = JSON.stringify({ keys: listOf(keys) });
    setup.snapshot = snapshot && new TextEncoder().encode(snapshot.trim());
    return {
      engine,
      source: url && new Source(engine, {
        ...common,
        headers: { ...headers, ...(secret && { authorization: `Bearer ${secret}` }) },
        limit: 16 << 20,
        store,
        usable: (at) => engine.number > 0 && at < (engine.expires + stale) * 1000,
        take: (bytes) => soon(engine.load(bytes)),
      }),
    };
  }
  const config = configured(jwks, policy);
  if (!jwks.keys === !url) throw new TypeError('jwks has either url or keys');
  if (!url) {
    setup.config = config(jwks.keys);
    return { engine };
  }
  const { life = 86400 } = jwks;
  let until = 0;
  return {
    engine,
    source: new Source(engine, {
      ...common,
      headers,
      limit: 256 << 10,
      usable(at) {
        if (until && at >= until) engine.forget((until = 0));
        return until > 0;
      },
      async take(bytes) {
        const taken = await soon(engine.configure(config(new TextDecoder().decode(bytes))));
        if (taken) until = now() + life * 1000;
        return { code: taken ? '' : 'keys' };
      },
    }),
  };
}

// listOf takes a JWK, a list of them or a set, which may be JSON.
function listOf(keys) {
  const given = typeof keys === 'string' ? JSON.parse(keys) : keys;
  return Array.isArray(given) ? given : (given.keys ?? [given]);
}

// configured returns what makes an unsigned bundle of keys.
function configured({ issuer: iss, audience, algorithms, types = ['at+jwt', 'JWT', ''], required, leeway = 60 }, policy = [{ path: '/**', access: 'token' }]) {
  const aud = audience === false ? undefined : [audience ?? []].flat();
  if (!iss || aud?.length === 0) throw new TypeError('jwks has issuer and audience');
  // A key that names no algorithm is for the one of its curve; of several for RSA for the first that is asked for.
  const rsa = algorithms?.find((alg) => /^[RP]S/.test(alg)) ?? 'RS256';
  const standard = { RSA: rsa, 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512', Ed25519: 'EdDSA' };
  return (given) => {
    const keys = listOf(given)
      .map((key) => ({ ...key, alg: key.alg ?? standard[key.crv ?? key.kty] }))
      .filter((key) => !algorithms || algorithms.includes(key.alg));
    return JSON.stringify({ iss, aud, types, required, leeway: leeway || undefined, keys: { keys }, policy });
  };
}

function result({ allowed: ok, principal, claims, ...rest }) {
  return ok ? { ok, rule: rest.rule, principal, claims } : { ok: false, ...rest };
}

// field writes one field of a request. Nothing in it can begin another.
const field = (value) => (value == null ? '' : `=${String(value).replaceAll('\0', '\x01')}`);

function fieldsOfToken(token) {
  return `\0\0${typeof token === 'string' ? field(`Bearer ${token.slice(0, maxRequest)}`) : ''}\0\0\0`;
}

// fieldsOf writes a request of the Fetch standard, of Node or Express, or what looks like one; or returns a refusal.
function fieldsOf({ method, originalUrl, url, headers, headersDistinct }) {
  const to = originalUrl ?? url;
  if (!method || !to) throw new TypeError('a request has a method and a url');
  const shown = ['authorization', 'cookie', 'origin', 'sec-fetch-site'].map((name) => header(headersDistinct ?? headers, name));
  const fields = [method, pathOf(String(to)), ...shown].map(field).join('\0');
  if (fields.length <= maxRequest) return fields;
  return { ...failed, status: 431, code: 'headers_too_large', detail: 'the request line and headers are longer than this server takes' };
}

// pathOf is what stands between the authority and the query, to the letter.
function pathOf(url) {
  const rest = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^#]*)/i.exec(url)?.[1];
  return (rest ?? url).split('?', 1)[0] || (rest === undefined ? '' : '/');
}

function header(headers, name) {
  if (typeof headers?.get === 'function') return headers.get(name);
  const values = Object.entries(headers ?? {}).flatMap(([key, value]) => (key.toLowerCase() === name ? (value ?? []) : []));
  return values.length > 0 ? values.join(name === 'cookie' ? '; ' : ', ') : undefined;
}

const titles = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 431: 'Request Header Fields Too Large', 503: 'Service Unavailable' };

// respond writes a refusal as the server does (RFC 9457).
export function respond({ status, code, detail, challenge }, request) {
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  if (challenge) headers['www-authenticate'] = challenge.replace(/[^\x20-\x7e]/g, '');
  if (status === 503) headers['retry-after'] = '2';
  const problem = JSON.stringify({ type: 'about:blank', title: titles[status], status, code, detail });
  return new Response(request?.method === 'HEAD' ? null : problem, { status, headers });
}
