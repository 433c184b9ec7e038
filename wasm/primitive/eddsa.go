package primitive

import (
	"sync"

	"github.com/hexward/hexward/core/token"
)

// EdDSA is Ed25519 (RFC 8037 §3.1). It accepts what crypto/ed25519 accepts: it verifies as RFC 8032 §5.1.7 does without
// cofactor, refusing an S that is not below the group's order.
var EdDSA token.Algorithm = edDSA{}

type edDSA struct{}

func (edDSA) Name() string { return "EdDSA" }

func (edDSA) Primitive(k *token.Key) (token.Primitive, error) {
	if k == nil || k.Algorithm() != "EdDSA" {
		return nil, token.ErrKeyMismatch
	}
	x := k.Parameter("x")
	if len(x) != 32 {
		return nil, token.ErrKeyMalformed
	}
	key := newEdKey((*[32]byte)(x))
	if key == nil {
		return nil, token.ErrKeyWeak
	}
	return key, nil
}

// edBaseTable is the base point's, made when the first key is.
var edBaseTable struct {
	once  sync.Once
	table *edTable
}

// edKey is a public key with the multiples of its negative that verification needs.
type edKey struct {
	encoded   [32]byte
	base, key *edTable
}

// newEdKey returns the key of a point, or nil for what is none.
func newEdKey(encoded *[32]byte) *edKey {
	var public edPoint
	if !public.decode(encoded) {
		return nil
	}
	public.negate()
	edBaseTable.once.Do(func() { edBaseTable.table = newEdTable(&edBase, baseWidth) })
	curveWorks.Put(new(curveWork)) // so that the first signature allocates nothing
	return &edKey{*encoded, edBaseTable.table, newEdTable(&public, keyWidth)}
}

// Verify reports whether [S]B - [k]A is R, by the encoding that it has.
func (k *edKey) Verify(input, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	s := limbsOfLittle((*[32]byte)(signature[32:]))
	if !s.below(&edOrder.n) {
		return false
	}
	work, ok := curveWorks.Get().(*curveWork)
	if !ok {
		return false
	}
	work.hash.reset(hash512)
	work.hash.write(signature[:32])
	work.hash.write(k.encoded[:])
	work.hash.write(input)
	work.hash.sum(&work.digest)
	scalar := edReduce(&work.digest)
	work.base.split(&s, baseWidth)
	work.key.split(&scalar, keyWidth)
	p := edPoint{y: edOne, z: edOne}
	for row := rows - 1; row >= 0; row-- {
		p.double()
		k.base.accumulate(&p, &work.base, row)
		k.key.accumulate(&p, &work.key, row)
	}
	curveWorks.Put(work)
	return p.isEncoded(signature[:32])
}

// edReduce returns a little-endian number modulo the group's order.
func edReduce(b *[64]byte) limbs {
	low, high := limbsOfLittle((*[32]byte)(b[:32])), limbsOfLittle((*[32]byte)(b[32:]))
	edOrder.mul(&low, &low, &edOrderLow)
	edOrder.mul(&high, &high, &edOrderHigh)
	low.add(&high)
	if !low.below(&edOrder.n) {
		low.sub(&edOrder.n)
	}
	return low
}
