package primitive

import (
	"sync"

	"github.com/hexward/hexward/core/token"
)

// HMAC with SHA-2 (RFC 7518 §3.2, RFC 2104). How long a call takes depends on the lengths of input and signature only: the key
// is a secret.
var (
	HS256 token.Algorithm = hmacScheme{"HS256", hash256}
	HS384 token.Algorithm = hmacScheme{"HS384", hash384}
	HS512 token.Algorithm = hmacScheme{"HS512", hash512}
)

type hmacScheme struct {
	name string
	hash hash
}

func (a hmacScheme) Name() string { return a.name }

func (a hmacScheme) Primitive(k *token.Key) (token.Primitive, error) {
	if k == nil || k.Algorithm() != a.name {
		return nil, token.ErrKeyMismatch
	}
	hmacWorks.Put(new(hmacWork)) // so that the first signature allocates nothing
	return newHMACKey(k.Parameter("k"), a.hash), nil
}

// hmacKey is the states of a hash after the key's two blocks.
type hmacKey struct {
	inner, outer hasher
}

// hmacWork is memory for one verification.
type hmacWork struct {
	state hasher
	mac   [hash512]byte
}

var hmacWorks = sync.Pool{New: func() any { return new(hmacWork) }}

// newHMACKey returns the key for a secret of any length.
func newHMACKey(secret []byte, h hash) *hmacKey {
	k := &hmacKey{}
	size := 128 // of a block
	if h == hash256 {
		size = 64
	}
	var block [128]byte
	if len(secret) > size {
		k.inner.reset(h)
		k.inner.write(secret)
		var sum [hash512]byte
		secret = k.inner.sum(&sum)
	}
	copy(block[:], secret)
	for i := range block {
		block[i] ^= 0x36
	}
	k.inner.reset(h)
	k.inner.write(block[:size])
	for i := range block {
		block[i] ^= 0x36 ^ 0x5C
	}
	k.outer.reset(h)
	k.outer.write(block[:size])
	return k
}

func (k *hmacKey) Verify(input, signature []byte) bool {
	if len(signature) != int(k.inner.size) {
		return false
	}
	work, ok := hmacWorks.Get().(*hmacWork)
	if !ok {
		return false
	}
	work.state = k.inner
	work.state.write(input)
	sum := work.state.sum(&work.mac)
	work.state = k.outer
	work.state.write(sum)
	different := byte(0)
	for i, b := range work.state.sum(&work.mac) {
		different |= b ^ signature[i]
	}
	hmacWorks.Put(work)
	return different == 0
}
