// Signatures by node:crypto, which answers at once: faster than WebCrypto, and good for verifySync.

import * as node from 'node:crypto';

export function prepare({ alg, kty, crv, x, y, n, e }) {
  const bits = alg.slice(2);
  const by = { key: node.createPublicKey({ key: { kty, crv, x, y, n, e }, format: 'jwk' }) };
  if (kty === 'EC') by.dsaEncoding = 'ieee-p1363';
  if (alg.startsWith('PS')) {
    by.padding = node.constants.RSA_PKCS1_PSS_PADDING;
    by.saltLength = bits / 8;
  }
  return { hash: kty === 'OKP' ? null : `sha${bits}`, by };
}

export function verify({ hash, by }, signature, input) {
  return node.verify(hash, input, by, signature);
}
