//go:build !full

package main

import (
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// algorithms are verified by the host, but for HMACs.
var algorithms = [...]token.Algorithm{
	token.Delegated("EdDSA"),
	token.Delegated("ES256"), token.Delegated("ES384"), token.Delegated("ES512"),
	token.Delegated("RS256"), token.Delegated("RS384"), token.Delegated("RS512"),
	token.Delegated("PS256"), token.Delegated("PS384"), token.Delegated("PS512"),
	primitive.HS256, primitive.HS384, primitive.HS512,
}
