// Package primitive verifies signatures inside of WebAssembly, for hosts that offer no cryptography of their own. Its
// algorithms are values that take the place of those of core/token:
//
//	v, err := token.NewVerifier(token.VerifierConfig{
//		Algorithms: []token.Algorithm{primitive.EdDSA, primitive.ES256},
//		…
//	})
//
// It exists because the standard library's packages are slow there: they have assembly for processors, not for WebAssembly,
// where their code for the rest multiplies 64 by 64 bits without an instruction for it, in constant time, and allocates for
// each signature. Native programs use core/token's own algorithms.
//
// # What it is not for
//
// But for HMAC, nothing here keeps a secret. How long a call takes depends on the key, the input and the signature, all of
// which are public when a signature is verified; so nothing here signs, agrees on keys or decrypts, and nothing must be built
// upon it that does. The HMAC algorithms, whose keys are secrets, take a time that depends on lengths only.
//
// # How it computes
//
// Numbers are held in limbs of 28 or 29 bits, since WebAssembly has no product wider than 64 bits: columns of products fit
// that without carries in between. All that depends on a key only is made in Primitive, such as multiples of a public point,
// by which a signature costs 32 doublings in place of 256. Verify allocates nothing, does not recurse, does not panic,
// whatever its input, and is safe for concurrent use.
//
// The hashes are written out too: TinyGo moves the standard library's SHA-512 to the heap once a call and HMAC's states once
// a signature, and a module that never frees memory has to stay the same size.
//
// # What shows that it is right
//
// The tests run Wycheproof's groups for these algorithms completely, and hold every verdict, of good signatures, forged
// ones and those at the boundaries of each number, against the standard library's; so do the Fuzz functions. The arithmetic
// beneath is held against math/big at the ends of the ranges that its comments state, and verification against scalars,
// coordinates and encodings that no signer makes: x coordinates above the order, sums of equal points, sums that are infinity,
// points of small order, encodings that are not canonical, paddings that end early.
package primitive
