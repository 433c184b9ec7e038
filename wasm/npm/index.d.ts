/** A public key as a JWK (RFC 7517). */
export interface Key {
  kty: string;
  kid?: string;
  alg?: string;
  [member: string]: unknown;
}

/** A key, a list of keys, a JWK Set, or any of them as JSON. */
export type Keys = Key | readonly Key[] | { keys: readonly Key[] } | string;

/** What a signed token says, as it was signed. */
export interface Claims {
  iss?: string;
  sub?: string;
  aud?: string | string[];
  exp?: number;
  nbf?: number;
  iat?: number;
  jti?: string;
  [claim: string]: unknown;
}

/** Who is asking. */
export interface Principal {
  kind: 'user' | 'machine' | 'anonymous';
  /** The user's or client's id; empty for nobody. */
  subject: string;
  /** The user name; empty for machines. */
  name: string;
  tenant: string;
  permissions: string[];
  /** The session's public id, when there is one. */
  session: string;
  /** The token's id, when one was shown. */
  token: string;
  via: 'session' | 'session_token' | 'access_token' | 'api_token' | 'foreign_token' | 'vouched_token' | 'none';
  /** When what was shown ends, in Unix milliseconds; 0 for never. */
  expires: number;
}

export interface Allowed<C = Claims> {
  ok: true;
  /** The index of the rule that is about the request; -1 for none. */
  rule: number;
  principal: Principal;
  /** null where no signed token was shown. */
  claims: (Claims & C) | null;
}

export interface Refused {
  ok: false;
  /** 400, 401, 403 or 431 for what the caller did; 503 for what cannot be decided here and now. */
  status: 400 | 401 | 403 | 431 | 503;
  /** A stable word: "token_expired", "unauthenticated", "bundle_expired" … */
  code: string;
  /** A sentence for people. */
  detail: string;
  /** The WWW-Authenticate of a 401 (RFC 6750 §3), else empty. */
  challenge: string;
  rule: number;
}

export type Verdict<C = Claims> = Allowed<C> | Refused;

export type Guarded<C = Claims> =
  | { response: Response; principal?: undefined; claims?: undefined }
  | { response?: undefined; principal: Principal; claims: (Claims & C) | null };

/** A request of the Fetch standard, of Node or Express, or what looks like one. */
export interface RequestLike {
  method?: string | undefined;
  /** As it came: a path, or with scheme and host. */
  url?: string | undefined;
  /** Of Express, which changes url; taken instead of it. */
  originalUrl?: string | undefined;
  headers: { get(name: string): string | null } | { readonly [name: string]: string | readonly string[] | undefined };
  /** Of Node, taken instead of headers. */
  headersDistinct?: { readonly [name: string]: readonly string[] | undefined } | undefined;
}

/** Keeps work alive after the answer: the ctx of a Cloudflare handler, the event of a Vercel middleware. */
export interface Context {
  waitUntil?(work: Promise<unknown>): void;
}

/** Shared between workers: a KV namespace is one, and cacheStore makes one of a Cache. */
export interface Store {
  get(key: string): Promise<string | null | undefined>;
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>;
}

export interface BundleOptions {
  /** Where the server publishes it: https, or http on this machine. */
  url?: string | URL;
  /** A bundle as text, to begin with or to stay with. */
  snapshot?: string;
  /** The keys that sign bundles, which `hexward bundle key` prints. */
  key?: Keys;
  keys?: Keys;
  /** What the server's --bundle-secret is. */
  secret?: string;
  headers?: Record<string, string>;
  /** How often to ask for a newer one, in seconds; 1 unless said otherwise. */
  refresh?: number;
  /** How long an answer may take, in seconds; 10 unless said otherwise. */
  timeout?: number;
}

export interface JWKSOptions {
  /** Where the issuer's keys are: https, or http on this machine. Either this or keys. */
  url?: string | URL;
  keys?: Keys;
  /** The exact iss. */
  issuer: string;
  /** aud must name one of these; false for tokens that are for nobody in particular. */
  audience: string | readonly string[] | false;
  /** Unless said otherwise, those of the keys. */
  algorithms?: readonly string[];
  /** The accepted typ; at+jwt, JWT and none unless said otherwise. "" is for none. */
  types?: readonly string[];
  /** Claims that must be there, besides exp. */
  required?: readonly string[];
  /** Between clocks, in seconds, at most 300; 60 unless said otherwise. */
  leeway?: number;
  headers?: Record<string, string>;
  /** How often to ask for the keys, in seconds; 600 unless said otherwise. */
  refresh?: number;
  /** How long an answer may take, in seconds; 10 unless said otherwise. */
  timeout?: number;
  /** How long keys are good for while there are no newer ones to be had, in seconds; 86400 unless said otherwise. */
  life?: number;
}

export interface Rule {
  path: string;
  methods?: readonly string[];
  access: 'session' | 'session_or_token' | 'token' | 'public';
  only?: 'user' | 'machine';
  permissions?: readonly string[];
}

interface CommonOptions {
  /** How many good signatures are remembered; 1000 unless said otherwise, 0 for none. */
  cache?: number;
  /** The module, where it is not found by itself: compiled, as bytes, as a Response, or its address. */
  wasm?: object | string | Promise<object>;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** The time in Unix milliseconds. */
  now?: () => number;
}

export type Options =
  | (CommonOptions & {
      bundle: BundleOptions;
      jwks?: undefined;
      /** How long past its end a bundle is decided by, in seconds; 0 unless said otherwise: then it is 503. */
      stale?: number;
      store?: Store;
    })
  | (CommonOptions & {
      jwks: JWKSOptions;
      bundle?: undefined;
      /** What decide and guard demand; a good token for everything unless said otherwise. */
      policy?: readonly Rule[];
    });

export interface Held {
  /** The bundle's number; 0 for none, and of a key set. */
  number: number;
  /** When it ends, in Unix milliseconds. */
  expires: number;
  /** When it was last heard of, in Unix milliseconds. */
  fetched: number;
  /** What went wrong last; undefined when nothing did. */
  error: unknown;
}

export interface Verifier<Env = unknown> {
  /** Judges a token alone. */
  verify<C = Claims>(token: string | null | undefined, env?: Env, ctx?: Context): Promise<Verdict<C>>;
  /** verify by what is held, without waiting: on Node, Bun and Deno, and wherever the full flavour is. */
  verifySync<C = Claims>(token: string | null | undefined, env?: Env, ctx?: Context): Verdict<C>;
  /** Judges a request, by the policy. */
  decide<C = Claims>(request: RequestLike, env?: Env, ctx?: Context): Promise<Verdict<C>>;
  decideSync<C = Claims>(request: RequestLike, env?: Env, ctx?: Context): Verdict<C>;
  /** decide, with the answer to who is refused. */
  guard<C = Claims>(request: RequestLike, env?: Env, ctx?: Context): Promise<Guarded<C>>;
  /** Asks for what is newer now. Rejects when that fails; what is held stays. */
  refresh(env?: Env): Promise<void>;
  /** Follows the server by long polls until signal is aborted, where work goes on between requests. */
  watch(signal?: AbortSignal, env?: Env): Promise<void>;
  held(env?: Env): Held;
}

/**
 * Makes a verifier. Nothing is loaded before the first request. A function is called then, with that request's env.
 * Throws a TypeError, at once or at the first request, for a configuration that cannot work.
 */
export function createVerifier<Env = unknown>(options: Options | ((env: Env) => Options)): Verifier<Env>;

/** The answer to who is refused: application/problem+json (RFC 9457). */
export function respond(refused: Refused, request?: { method?: string | undefined }): Response;
