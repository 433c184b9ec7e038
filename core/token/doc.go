// Package token decides whether a signed token may be believed: it parses compact JSON Web Signatures strictly, picks the
// one key and algorithm that may have made them, verifies the signature, checks the claims, and tells whether a token
// was revoked since.
//
// A server or an edge worker parses its keys once, builds one Verifier for each kind of token that it accepts, and asks
// it for every request:
//
//	keys, err := token.ParseKeySet(jwks)
//	v, err := token.NewVerifier(token.VerifierConfig{
//		Issuer:     "https://id.example",
//		Audiences:  []string{"https://api.example"},
//		Types:      []string{token.TypeAccess},
//		Algorithms: []token.Algorithm{token.EdDSA},
//		Keys:       keys,
//		Leeway:     token.DefaultLeeway,
//	})
//	var claims token.Claims
//	if err := v.Verify(compact, now.Unix(), &claims); err != nil {
//		return token.ReasonOf(err) // "expired", "signature", …
//	}
//	if marks.Revoked(&claims) {
//		return token.ErrRevoked
//	}
//
// A host that has a faster signature primitive than this program (WebCrypto under WebAssembly) splits the same work in
// two: Prepare gives the algorithm, the key, the signing input and the signature, the host verifies, and Finish checks
// the claims. Verify is Prepare, the algorithm's own primitive, and Finish.
//
// # Strictness
//
// The package follows RFC 7515, 7517, 7518, 7519, 7638, 8037, 8725 and 9068, and wherever these leave a choice it takes
// the narrower one; what other libraries accept and this one refuses is on purpose:
//
//   - Tokens are at most 8,192 bytes (VerifierConfig.MaxLength), refused before anything else is looked at.
//   - base64url is canonical: no padding, no whitespace, no non-zero trailing bits.
//   - JSON is strict: UTF-8 throughout, no duplicate member at any level (compared after unescaping), no unpaired
//     surrogate, no trailing bytes, at most 16 levels deep and 256 members open at a time.
//   - alg is matched exactly against the configured algorithms and against the one algorithm the key is bound to.
//   - crit, b64, zip, jwk, jku, x5u and x5c in a header are refused, whatever their value: no extension is understood and
//     a key is never taken from the token. Other header members are ignored.
//   - A header or claim name that the package reads, written in another case ("Alg", "EXP"), is refused, because a
//     reader further down the line may fold case.
//   - Claims with the wrong type are refused, null included. Times are whole seconds from 1970 to the year 9999;
//     1.7e9 and 1700000000.0 are whole, 1700000000.5 is refused.
//   - exp is required, and so are an issuer and an audience unless the configuration says otherwise.
//
// # What it does not do
//
// It reads no clock: now is an argument. It does no input or output, starts no goroutines and needs no randomness. It
// signs nothing. It imports no reflection and no encoding package, and no cryptography but SHA-256 outside of the files that
// hold one family of algorithms each (eddsa.go, ecdsa.go, rsa.go, hmac.go). Those are values such as EdDSA, named in a
// VerifierConfig, so that a program that does not name one does not link it. What remains of a family then is what the
// standard library's packages do when they start; the build tags noeddsa, noecdsa, norsa and nohmac leave out a family with
// its imports, for hosts that verify signatures themselves and for compilers that have trouble with these packages.
package token
