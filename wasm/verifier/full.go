//go:build full

package main

import (
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// algorithms are verified inside.
var algorithms = [...]token.Algorithm{
	primitive.EdDSA,
	primitive.ES256, primitive.ES384, primitive.ES512,
	primitive.RS256, primitive.RS384, primitive.RS512,
	primitive.PS256, primitive.PS384, primitive.PS512,
	primitive.HS256, primitive.HS384, primitive.HS512,
}
