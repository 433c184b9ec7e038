// An OpenID Connect provider for tests: npm's certified oidc-provider with two
// clients and the logins and consents of its development mode.
//
//   node server.js '{"port": 0, "client": {…}, "public": {…}, "kid": "one"}'
//
// It prints one line of JSON with its issuer when it listens on 127.0.0.1, and ends
// when its standard input does. The private keys are made anew at each start, so a
// provider that is started again has rotated them.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

import Provider, { errors } from 'oidc-provider';

const given = JSON.parse(process.argv[2]);

function jwk(type, options, extra) {
  return { ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...extra };
}

const jwks = {
  keys: [
    jwk('rsa', { modulusLength: 2048 }, { alg: 'RS256', kid: `${given.kid}-rsa` }),
    jwk('ed25519', {}, { alg: 'EdDSA', kid: `${given.kid}-ed` }),
  ],
};

// Whoever signs in as NAME has the address NAME@provider.example, which is verified
// unless the name begins with "unverified".
function account(ctx, id) {
  return {
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${id}@provider.example`,
      email_verified: !id.startsWith('unverified'),
      name: `The full ${id}`,
      preferred_username: id,
      org: org(id),
    }),
  };
}

// Who is called NAME.ORG is of ORG.
function org(id) {
  return id.includes('.') ? id.split('.')[1] : undefined;
}

const server = createServer();
server.listen(given.port, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: given.clients,
    jwks,
    findAccount: account,
    claims: {
      openid: ['sub', 'org'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'],
    },
    cookies: { keys: ['a key of tests'] },
    features: {
      devInteractions: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      // An API whose access tokens are JWTs (RFC 9068), for those who ask for it (RFC 8707).
      resourceIndicators: {
        enabled: Boolean(given.resource),
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => {
          if (resource !== given.resource) {
            throw new errors.InvalidTarget();
          }
          return { scope: 'read:orders admin', accessTokenFormat: 'jwt', accessTokenTTL: 3600, jwt: { sign: { alg: 'EdDSA' } } };
        },
      },
    },
    extraTokenClaims: (ctx, token) => ({ org: org(token.accountId ?? token.clientId) }),
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: given.accessTTL ?? 3600, AuthorizationCode: 60, IdToken: 3600, RefreshToken: 86400, Interaction: 600, Session: 86400, Grant: 86400,
    },
    // The clients of a test are on this machine, where it would not send logout tokens.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
  });
  const tell = (what, detail) => console.error(JSON.stringify({ what, ...detail }));
  provider.on('backchannel.success', () => tell('backchannel.success'));
  provider.on('backchannel.error', (ctx, error) => tell('backchannel.error', { error: String(error?.message), cause: String(error?.cause ?? '') }));
  provider.on('revocation.error', (ctx, error) => tell('revocation.error', { error: String(error?.message) }));
  provider.on('refresh_token.consumed', () => tell('refresh_token.consumed'));
  provider.on('refresh_token.destroyed', () => tell('refresh_token.destroyed'));
  provider.on('grant.revoked', () => tell('grant.revoked'));
  provider.on('grant.error', (ctx, error) => tell('grant.error', { error: String(error?.error), detail: String(error?.error_detail ?? error?.error_description), body: Object.keys(ctx.oidc?.params ?? {}) }));
  provider.on('server_error', (ctx, error) => tell('server_error', { error: String(error?.stack) }));
  server.on('request', provider.callback());
  console.log(JSON.stringify({ issuer }));
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
