// Signatures by the Web Cryptography API, which every runtime has. It answers later.

// parameters are the same for importing a key and for verifying (RFC 7518 §3.1, RFC 8037 §3.1).
function parameters(alg) {
  const bits = alg.slice(2);
  const hash = `SHA-${bits}`;
  switch (alg.slice(0, 2)) {
    case 'ES':
      return { name: 'ECDSA', namedCurve: bits === '512' ? 'P-521' : `P-${bits}`, hash };
    case 'RS':
      return { name: 'RSASSA-PKCS1-v1_5', hash };
    case 'PS':
      return { name: 'RSA-PSS', hash, saltLength: bits / 8 };
    default:
      return { name: 'Ed25519' };
  }
}

export async function prepare({ alg, kty, crv, x, y, n, e }) {
  const by = parameters(alg);
  return { by, key: await crypto.subtle.importKey('jwk', { kty, crv, x, y, n, e }, by, false, ['verify']) };
}

// verify is false, too, where workerd throws: for an Ed25519 signature that has another length than 64 bytes.
export async function verify({ by, key }, signature, input) {
  try {
    return await crypto.subtle.verify(by, key, signature, input);
  } catch (error) {
    if (by.name === 'Ed25519' && signature.length !== 64 && error?.name === 'OperationError') return false;
    throw error;
  }
}
