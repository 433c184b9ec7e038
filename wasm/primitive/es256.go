package primitive

import (
	"sync"

	"github.com/hexward/hexward/core/token"
)

// ES256 is ECDSA with P-256 and SHA-256 (RFC 7518 §3.4, FIPS 186-5 §6.4.2).
var ES256 token.Algorithm = es256{}

type es256 struct{}

func (es256) Name() string { return "ES256" }

func (es256) Primitive(k *token.Key) (token.Primitive, error) {
	if k == nil || k.Algorithm() != "ES256" {
		return nil, token.ErrKeyMismatch
	}
	x, y := k.Parameter("x"), k.Parameter("y")
	if len(x) != 32 || len(y) != 32 {
		return nil, token.ErrKeyMalformed
	}
	return newECDSAKey((*[32]byte)(x), (*[32]byte)(y)), nil
}

// baseTable is the generator's, made when the first key is.
var baseTable struct {
	once  sync.Once
	table *table
}

// ecdsaKey is a public key with the multiples that verification needs.
type ecdsaKey struct{ base, key *table }

// newECDSAKey returns the key of a point on the curve.
func newECDSAKey(x, y *[32]byte) *ecdsaKey {
	baseTable.once.Do(func() { baseTable.table = newTable(&generator, baseWidth) })
	var public affine
	public.x, public.y = element(limbsOf(x)), element(limbsOf(y))
	public.x.enter(&public.x)
	public.y.enter(&public.y)
	curveWorks.Put(new(curveWork)) // so that the first signature allocates nothing
	return &ecdsaKey{baseTable.table, newTable(&public, keyWidth)}
}

func (k *ecdsaKey) Verify(input, signature []byte) bool {
	work, ok := curveWorks.Get().(*curveWork)
	if !ok {
		return false
	}
	work.hash.reset(hash256)
	work.hash.write(input)
	work.hash.sum(&work.digest)
	good := k.verify(work, (*[32]byte)(work.digest[:]), signature)
	curveWorks.Put(work)
	return good
}

// verify reports whether signature is R || S over digest, both in [1, n-1].
func (k *ecdsaKey) verify(work *curveWork, digest *[32]byte, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	r, s := limbsOf((*[32]byte)(signature[:32])), limbsOf((*[32]byte)(signature[32:]))
	if r == (limbs{}) || s == (limbs{}) || !r.below(&p256Order.n) || !s.below(&p256Order.n) {
		return false
	}
	if !p256Order.invert(&s, &s) {
		return false
	}
	p256Order.mul(&s, &s, &p256Order.r2)
	u1, u2 := limbsOf(digest), r
	p256Order.mul(&u1, &u1, &s)
	p256Order.mul(&u2, &u2, &s)

	work.base.split(&u1, baseWidth)
	work.key.split(&u2, keyWidth)
	var p point
	p.infinity = true
	for row := rows - 1; row >= 0; row-- {
		p.double()
		k.base.accumulate(&p, &work.base, row)
		k.key.accumulate(&p, &work.key, row)
	}
	return p.hasX(&r)
}

// curveWork is memory for one verification: TinyGo keeps nothing above 256 bytes on the stack.
type curveWork struct {
	base, key digits
	hash      hasher
	digest    [hash512]byte
}

var curveWorks = sync.Pool{New: func() any { return new(curveWork) }}

// hasX reports whether p's x coordinate is r modulo n, for an r in [1, n-1].
func (p *point) hasX(r *limbs) bool {
	if p.infinity {
		return false
	}
	var zz, x element
	zz.square(&p.z)
	x = element(*r)
	x.enter(&x)
	x.mul(&x, &zz)
	x.combine(&x, 1, &p.x, -1)
	if x.isZero() {
		return true
	}
	if !r.below(&p256Gap) {
		return false
	}
	above := *r
	above.add(&p256Order.n)
	x = element(above)
	x.enter(&x)
	x.mul(&x, &zz)
	x.combine(&x, 1, &p.x, -1)
	return x.isZero()
}
