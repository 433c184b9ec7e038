// What tests sign with: keys, tokens, bundles.

import { generateKeyPairSync, sign } from 'node:crypto';

export const issuer = 'https://id.example';
export const audience = 'https://api.example';
export const start = 1_800_000_000_000; // Unix ms

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const kinds = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  ES384: ['ec', { namedCurve: 'P-384' }],
  ES512: ['ec', { namedCurve: 'P-521' }],
  RS256: ['rsa', { modulusLength: 2048 }],
  RS512: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  PS512: ['rsa', { modulusLength: 2048 }],
  EdDSA: ['ed25519'],
};

// key makes a key: jwk is its public half.
export function key(alg = 'ES256', kid = alg) {
  const pair = generateKeyPairSync(...kinds[alg]);
  return { alg, kid, private: pair.privateKey, jwk: { ...pair.publicKey.export({ format: 'jwk' }), alg, kid, use: 'sig' } };
}

// compact signs a payload, which may be text, as a compact JWS.
export function compact(by, typ, payload, header = {}) {
  const input = `${encode({ alg: by.alg, typ, kid: by.kid, ...header })}.${encode(payload)}`;
  const how = { key: by.private };
  if (by.alg.startsWith('ES')) how.dsaEncoding = 'ieee-p1363';
  if (by.alg.startsWith('PS')) Object.assign(how, { padding: 6, saltLength: by.alg.slice(2) / 8 });
  const signature = sign(by.alg === 'EdDSA' ? null : `sha${by.alg.slice(2)}`, Buffer.from(input), how);
  return `${input}.${signature.toString('base64url')}`;
}

// token makes an access token. Claims that are undefined are left out.
export function token(by, claims = {}, header = {}) {
  const at = start / 1000;
  const payload = { iss: issuer, aud: audience, sub: 'ada', client_id: 'web', jti: 'j1', sid: 's1', iat: at, exp: at + 900, ...claims };
  return compact(by, 'at+jwt', payload, header);
}

// bundle makes a bundle, and with a base a delta.
export function bundle(by, keys, members = {}, header = {}) {
  const at = start / 1000;
  const whole = members.base
    ? {}
    : {
        aud: [audience],
        leeway: 60,
        keys: { keys: keys.map((each) => each.jwk) },
        policy: [
          { path: '/public/**', access: 'public' },
          { path: '/admin/**', access: 'session_or_token', permissions: ['admin'] },
          { path: '/**', access: 'session_or_token' },
        ],
        site: { origin: 'https://app.example', session: '__Host-hexward_session', access: '__Host-hexward_access', refresh: '__Secure-hexward_refresh' },
      };
  return compact(by, 'hexward-bundle+jwt', { iss: issuer, number: 1, iat: at, exp: at + 3600, ...whole, ...members }, header);
}

// everything are marks that revoke every token issued until now.
export const everything = { seed: Buffer.alloc(16, 7).toString('base64url'), all: start + 1000 };
