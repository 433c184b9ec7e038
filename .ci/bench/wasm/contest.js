// What is measured in a runtime: contestants by name, each of which verifies that many tokens one after the other. All verify
// the same tokens and demand the same of them: issuer, audience, type, algorithm, time.

// contestants returns functions of a number of tokens, those of an algorithm beside each other. ways has, by name,
// { create, wasm, synchronous } of a package's entry.
export function contestants(jose, fixture, ways) {
  const all = {};
  const { issuer, audience, type } = fixture;
  for (const [alg, { jwk, tokens }] of Object.entries(fixture.algorithms)) {
    const options = { issuer, audience, typ: type, algorithms: [alg] };
    let key;
    all[`jose/${alg}`] = over(tokens, async (token) => {
      key ??= await imported(jose, jwk, alg);
      return (await jose.jwtVerify(token, key, options)).payload.sub === fixture.subject;
    });
  }
  for (const [name, way] of Object.entries(ways)) {
    // Each token comes back long after it was forgotten.
    const few = { ...way, cache: fixture.algorithms.EdDSA.tokens.length / 8 };
    const signed = verifierOf(few, fixture, fixture.bundle);
    const secret = secretOf(few, fixture);
    const known = verifierOf(way, fixture, fixture.bundle);
    for (const [alg, { tokens }] of Object.entries(fixture.algorithms)) {
      all[`${name}/${alg}`] = over(tokens, verifying(way, alg === 'HS256' ? secret : signed));
      if (alg !== 'HS256') all[`${name}/seen ${alg}`] = over(tokens.slice(0, 64), verifying(way, known));
    }
  }
  const algorithm = ([name]) => / ?([^ /]+)$/.exec(name)[1];
  return Object.fromEntries(Object.entries(all).sort((a, b) => (algorithm(a) < algorithm(b) ? -1 : algorithm(a) > algorithm(b) ? 1 : 0)));
}

// imported is a CryptoKey: what jose is fastest with.
function imported(jose, jwk, alg) {
  if (jwk.kty !== 'oct') return jose.importJWK(jwk, alg);
  const bytes = Uint8Array.from(atob(jwk.k.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

const verifierOf = ({ create, wasm, cache }, { key }, snapshot) => create({ bundle: { snapshot, key }, cache, wasm });

const secretOf = ({ create, wasm, cache }, { issuer, audience, type, algorithms }) =>
  create({ jwks: { keys: [algorithms.HS256.jwk], issuer, audience, types: [type], algorithms: ['HS256'] }, cache, wasm });

function verifying({ synchronous }, verifier) {
  const good = (verdict) => {
    if (!verdict.ok) throw new Error(`${verdict.code}: ${verifier.held().error?.stack}`);
    return true;
  };
  if (synchronous) return (token) => good(verifier.verifySync(token));
  return (token) => verifier.verify(token).then(good);
}

// over verifies n of the tokens in their order, from where it ended the last time.
function over(tokens, verify) {
  let next = 0;
  return async (n) => {
    for (; n > 0; n--) {
      const good = verify(tokens[next++ % tokens.length]);
      if (good !== true && !(await good)) throw new Error('a good token is refused');
    }
  };
}
