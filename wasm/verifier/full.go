//go:build full

package main

import "github.com/hexward/hexward/core/token"

// algorithms are verified inside.
var algorithms = [...]token.Algorithm{
	token.EdDSA,
	token.ES256, token.ES384, token.ES512,
	token.RS256, token.RS384, token.RS512,
	token.PS256, token.PS384, token.PS512,
	token.HS256, token.HS384, token.HS512,
}
