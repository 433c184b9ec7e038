// jwtVerify for code that was written for jose: it throws what is refused, with the codes that jose has.

const codes = {
  token_expired: 'ERR_JWT_EXPIRED',
  token_too_old: 'ERR_JWT_EXPIRED',
  token_not_yet_valid: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
  token_issued_in_future: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
  token_issuer: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
  token_audience: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
  token_type: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
  token_claim_missing: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
  token_claims_malformed: 'ERR_JWT_INVALID',
  token_malformed: 'ERR_JWS_INVALID',
  token_header_refused: 'ERR_JWS_INVALID',
  token_too_long: 'ERR_JWS_INVALID',
  token_crit: 'ERR_JOSE_NOT_SUPPORTED',
  token_alg_refused: 'ERR_JOSE_ALG_NOT_ALLOWED',
  token_key_unknown: 'ERR_JWKS_NO_MATCHING_KEY',
  token_signature: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
};

// codeOf returns jose's code for one of ours; what jose has no code for is ERR_ and ours, in capitals.
export const codeOf = (code) => codes[code] ?? `ERR_${code.toUpperCase()}`;

export async function jwtVerify(token, verifier, env, ctx) {
  const verdict = await verifier.verify(token, env, ctx);
  if (!verdict.ok) throw Object.assign(new Error(verdict.detail), { code: codeOf(verdict.code), status: verdict.status });
  const [header] = token.split('.');
  const signed = verdict.claims !== null;
  return {
    payload: verdict.claims,
    protectedHeader: signed ? JSON.parse(atob(header.replaceAll('-', '+').replaceAll('_', '/'))) : null,
    principal: verdict.principal,
  };
}
