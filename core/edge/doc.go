// Package edge decides about requests where no server can be asked: by a bundle, a signed, numbered and dated snapshot of
// the keys, the policy and the revocation marks that the server decides by. It compiles to WebAssembly, and a Go program
// uses it as it is:
//
//	v, err := edge.New(edge.Config{Trust: bundleKeys, Algorithms: []token.Algorithm{token.EdDSA, token.ES256}})
//	err = v.Load(bundle, nowMillis) // what GET /.well-known/hexward-bundle answers, again whenever there is a newer one
//	var verdict edge.Verdict
//	v.Decide(&edge.Request{Method: r.Method, Path: r.RequestURI, Cookie: r.Header.Get("Cookie")}, nowMillis, &verdict)
//	if !verdict.Allowed() { … verdict.Status, verdict.Code, verdict.Challenge … }
//
// A host that verifies signatures itself splits the work in two, as with token.Verifier: PrepareLoad and FinishLoad,
// PrepareDecide and FinishDecide.
//
// A verdict is the server's: the same status, code and challenge, and the same principal. What the edge cannot know it
// refuses as its own failure (503) and not the caller's. A session's id means something to the server only, so a browser shows
// its access cookie here. An API token, and the token of another issuer, are decided about where the bundle carries their
// holders (Bundle.Holders) and the issuer's keys (Bundle.Issuers); nobody is made a user here. Past a bundle's end nothing is let through, not even what is public, because the policy may be
// another one by then.
//
// The package reads no clock and needs no randomness: now is an argument, in Unix milliseconds. No input makes it panic.
package edge
