// Package issuer says what the access tokens of other authorization servers mean: that a token is an access token and no other
// sort, whether it is a machine's or a person's, to which client it was issued, of which tenant and permissions it speaks. It
// imports only core/token, core/access and the standard library and compiles to WebAssembly, so that an edge worker reads a
// token as the server does.
//
//	rules := issuer.Rules{Preset: "auth0", Permissions: []issuer.PermissionClaim{{Claim: "permissions"}}}
//	err := verifier.Verify(compact, now, &claims) // core/token: form, key, signature, iss, aud, times
//	var b issuer.Bearing
//	err = rules.Read(&claims, issuer.Typed(types), &b)
//
// Rules are plain data, which a bundle carries as JSON. What is peculiar to a product is in its preset, see presets.go.
package issuer
