// The verifier, for any runtime: what a caller configures and calls.

import { Engine, atOnce, failed, soon } from './engine.js';
import { Source, checkURL } from './source.js';

const maxRequest = 64 << 10; // characters of what is looked at

// verifierOn returns the createVerifier of a runtime: module gives its WebAssembly.Module, prepare and verify are its
// cryptography (or inside is set), background says that promises nobody waits for go on, conditional that If-None-Match
// costs nothing.
export function verifierOn(platform) {
  return function createVerifier(options) {
    let made;
    const verifier = (env) => (made ??= assemble(platform, typeof options === 'function' ? options(env) : options));
    if (typeof options !== 'function') verifier();

    async function decided(fields, env, ctx) {
      const { engine, source } = verifier(env);
      if (typeof fields !== 'string') return result(fields);
      const waiting = source?.ready(ctx);
      if (waiting) await waiting;
      let verdict = await soon(engine.decide(fields));
      if (verdict.code === 'token_key_unknown') {
        const news = source?.again();
        if (news) {
          await news;
          verdict = await soon(engine.decide(fields));
        }
      }
      return result(verdict);
    }

    function decidedAtOnce(fields, env, ctx) {
      const { engine, source } = verifier(env);
      if (typeof fields !== 'string') return result(fields);
      source?.touch(ctx);
      return result(atOnce(engine.decide(fields)));
    }

    return {
      verify: (token, env, ctx) => decided(fieldsOfToken(token), env, ctx),
      verifySync: (token, env, ctx) => decidedAtOnce(fieldsOfToken(token), env, ctx),
      decide: (request, env, ctx) => decided(fieldsOf(request), env, ctx),
      decideSync: (request, env, ctx) => decidedAtOnce(fieldsOf(request), env, ctx),
      async guard(request, env, ctx) {
        const verdict = await decided(fieldsOf(request), env, ctx);
        if (!verdict.ok) return { response: respond(verdict, request) };
        return { principal: verdict.principal, claims: verdict.claims };
      },
      async refresh(env) {
        const { source } = verifier(env);
        await source?.refresh();
        if (source?.error) throw source.error;
      },
      watch: async (signal, env) => verifier(env).source?.watch(signal),
      held(env) {
        const { engine, source } = verifier(env);
        return { number: engine.number, expires: engine.expires * 1000, fetched: source?.fetched ?? 0, error: source?.error ?? engine.error };
      },
    };
  };
}

function assemble(platform, options) {
  const { bundle, jwks, cache = 1000, stale = 0, store, wasm, policy, fetch = (...request) => globalThis.fetch(...request), now = Date.now } = options;
  if (!bundle === !jwks) throw new TypeError('createVerifier takes either bundle or jwks');
  const setup = { cache, stale, wasm };
  const engine = new Engine(platform, setup, now);
  const common = { fetch, now, background: platform.background, conditional: platform.conditional };
  if (jwks) {
    const configOf = configure(jwks, policy);
    if (!jwks.keys === !jwks.url) throw new TypeError('jwks takes either url or keys');
    if (jwks.keys) {
      setup.config = configOf(jwks.keys);
      return { engine };
    }
    const { life = 86400 } = jwks;
    let until = 0;
    const usable = (at) => {
      if (until && at >= until) {
        until = 0;
        engine.forget();
      }
      return until > 0;
    };
    const take = async (bytes) => {
      if (!(await soon(engine.configure(configOf(JSON.parse(new TextDecoder().decode(bytes))))))) return { code: 'jwks' };
      until = now() + life * 1000;
      return { code: '' };
    };
    return { engine, source: new Source(engine, { ...common, ...from(jwks, 600), limit: 256 << 10, take, usable }) };
  }
  setup.trust = trustOf(bundle.keys ?? bundle.key);
  const take = (bytes) => soon(engine.load(bytes));
  if (bundle.snapshot) setup.snapshot = new TextEncoder().encode(bundle.snapshot.trim());
  if (!bundle.url) return { engine };
  const usable = (at) => engine.number > 0 && at < (engine.expires + stale) * 1000;
  const headers = { ...bundle.headers, ...(bundle.secret && { authorization: `Bearer ${bundle.secret}` }) };
  return { engine, source: new Source(engine, { ...common, ...from(bundle, 1), headers, limit: 16 << 20, take, usable, store, deltas: true }) };
}

function from({ url, headers, refresh, timeout = 10 }, standard) {
  return { url: checkURL(url), headers, refresh: refresh ?? standard, timeout };
}

// trustOf returns a JWK Set as JSON.
function trustOf(keys) {
  if (!keys) throw new TypeError('bundle.key is missing: hexward bundle key prints it');
  return JSON.stringify({ keys: listOf(keys) });
}

// listOf takes a JWK, a list of them or a set, which may be JSON.
function listOf(keys) {
  const given = typeof keys === 'string' ? JSON.parse(keys) : keys;
  return Array.isArray(given) ? given : (given.keys ?? [given]);
}

// configure returns what makes an unsigned bundle of keys.
function configure({ issuer, audience, algorithms, types = ['at+jwt', 'JWT', ''], required, leeway = 60 }, policy) {
  const audiences = audience === false ? undefined : [audience ?? []].flat();
  if (!issuer || audiences?.length === 0) throw new TypeError('jwks needs issuer and audience; audience: false is for tokens without');
  return (given) => {
    const keys = listOf(given).flatMap((key) => {
      const alg = key.alg ?? algorithmOf(key, algorithms);
      return !algorithms || algorithms.includes(alg) ? { ...key, alg } : [];
    });
    return JSON.stringify({
      iss: issuer,
      aud: audiences,
      types,
      required,
      leeway: leeway || undefined,
      keys: { keys },
      policy: policy ?? [{ path: '/**', access: 'token' }],
    });
  };
}

// algorithmOf is the algorithm of a key that names none; of several for RSA the first that is asked for.
function algorithmOf({ kty, crv }, algorithms) {
  if (kty === 'RSA') return algorithms?.find((name) => /^[RP]S/.test(name)) ?? 'RS256';
  return { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512', Ed25519: 'EdDSA' }[crv];
}

function result({ allowed, status, code, detail, challenge, rule = -1, principal, claims }) {
  return allowed ? { ok: true, rule, principal, claims } : { ok: false, status, code, detail, challenge, rule };
}

// field writes one field of a request. Nothing in it can begin another.
const field = (value) => (value == null ? '' : `=${String(value).replaceAll('\0', '\x01')}`);

function fieldsOfToken(token) {
  return `\0\0${typeof token === 'string' ? field(`Bearer ${token.slice(0, maxRequest)}`) : ''}\0\0\0`;
}

const names = ['authorization', 'cookie', 'origin', 'sec-fetch-site'];

// fieldsOf writes a request of the Fetch standard, of Node or Express, or what looks like one; or returns a refusal.
function fieldsOf(request) {
  const url = request.originalUrl ?? request.url;
  if (!request.method || !url) throw new TypeError('a request has a method and a url');
  const headers = request.headersDistinct ?? request.headers ?? {};
  const fields = [request.method, pathOf(String(url)), ...names.map((name) => header(headers, name))].map(field).join('\0');
  if (fields.length <= maxRequest) return fields;
  return { ...failed, status: 431, code: 'headers_too_large', detail: 'the request line and headers are longer than this server takes' };
}

// pathOf is what stands between the authority and the query, to the letter.
function pathOf(url) {
  const [, rest] = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^#]*)/i.exec(url) ?? [undefined, url];
  const path = rest.split('?', 1)[0];
  return path === '' && rest !== url ? '/' : path;
}

function header(headers, name) {
  if (typeof headers.get === 'function') return headers.get(name);
  const values = Object.keys(headers).filter((key) => key.toLowerCase() === name).flatMap((key) => headers[key] ?? []);
  return values.length > 0 ? values.join(name === 'cookie' ? '; ' : ', ') : undefined;
}

const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
};

// respond writes a refusal as the server does (RFC 9457).
export function respond({ status, code, detail, challenge }, request) {
  const headers = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
  if (challenge) headers['www-authenticate'] = challenge.replace(/[^\x20-\x7e]/g, '');
  if (status === 503) headers['retry-after'] = '2';
  const body = JSON.stringify({ type: 'about:blank', title: titles[status], status, code, detail });
  return new Response(request?.method === 'HEAD' ? null : body, { status, headers });
}
