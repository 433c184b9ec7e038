package primitive

import (
	"sync"

	"github.com/hexward/hexward/core/token"
)

// RSA signatures: PKCS #1 v1.5 (RFC 7518 §3.3, RFC 8017 §8.2.2), and PSS with the same hash throughout and a salt as long
// as it (RFC 7518 §3.5, RFC 8017 §8.1.2).
var (
	RS256 token.Algorithm = rsaScheme{"RS256", hash256, false}
	RS384 token.Algorithm = rsaScheme{"RS384", hash384, false}
	RS512 token.Algorithm = rsaScheme{"RS512", hash512, false}
	PS256 token.Algorithm = rsaScheme{"PS256", hash256, true}
	PS384 token.Algorithm = rsaScheme{"PS384", hash384, true}
	PS512 token.Algorithm = rsaScheme{"PS512", hash512, true}
)

// The DER of DigestInfo up to the digest (RFC 8017 §9.2, note 1), but for the last byte, which is the digest's size.
const (
	info256 = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
	info384 = "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
	info512 = "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
)

func (h hash) info() string {
	switch h {
	case hash384:
		return info384
	case hash512:
		return info512
	default:
		return info256
	}
}

type rsaScheme struct {
	name string
	hash hash
	pss  bool
}

func (a rsaScheme) Name() string { return a.name }

func (a rsaScheme) Primitive(k *token.Key) (token.Primitive, error) {
	if k == nil || k.Algorithm() != a.name {
		return nil, token.ErrKeyMismatch
	}
	key := newRSAKey(k.Parameter("n"), k.Parameter("e"), a.hash, a.pss)
	if key == nil {
		return nil, token.ErrKeyMalformed
	}
	return key, nil
}

// rsaKey is a public key with what verification needs of it.
type rsaKey struct {
	modulus  *modulus
	exponent uint32
	hash     hash
	pss      bool
	works    sync.Pool // of *rsaWork
}

// rsaWork is memory for one verification.
type rsaWork struct {
	columns              []uint64
	base, entered, power []uint32
	encoded              []byte // as long as the modulus
	hash                 hasher
	digest, other        [hash512]byte
	counter              [4]byte
}

// The limits of a modulus in bits. What core/token accepts is within them, and 8,192 is also what the columns' sums are
// shown to fit.
const (
	minModulus = 1024
	maxModulus = 8192
)

// newRSAKey returns the key with modulus n and exponent e, both big-endian without leading zeros, or nil when n is even or
// outside of the limits above, or e is even, below 3 or longer than 32 bits.
func newRSAKey(n, e []byte, h hash, pss bool) *rsaKey {
	if len(n) == 0 || n[0] == 0 || n[len(n)-1]&1 == 0 || len(e) == 0 || len(e) > 4 {
		return nil
	}
	exponent := uint32(0)
	for _, b := range e {
		exponent = exponent<<8 | uint32(b)
	}
	if len(n) < minModulus/8 || len(n) > maxModulus/8 || exponent < 3 || exponent&1 == 0 {
		return nil
	}
	k := &rsaKey{modulus: newModulus(n), exponent: exponent, hash: h, pss: pss}
	k.works.New = func() any {
		m := k.modulus
		return &rsaWork{
			columns: m.columns(), base: m.number(), entered: m.number(), power: m.number(), encoded: make([]byte, len(n)),
		}
	}
	k.works.Put(k.works.New()) // so that the first signature allocates nothing
	return k
}

func (k *rsaKey) Verify(input, signature []byte) bool {
	work, ok := k.works.Get().(*rsaWork)
	if !ok {
		return false
	}
	work.hash.reset(k.hash)
	work.hash.write(input)
	good := k.verify(work, work.hash.sum(&work.digest), signature)
	k.works.Put(work)
	return good
}

// verify reports whether signature is one over digest.
func (k *rsaKey) verify(work *rsaWork, digest, signature []byte) bool {
	// RFC 8017 §8.2.2 and §8.1.2: a signature has the length of the modulus and is below it.
	if len(signature) != len(work.encoded) {
		return false
	}
	k.modulus.read(work.base, signature)
	if !k.modulus.below(work.base) {
		return false
	}
	k.modulus.power(work.power, work.base, work.entered, k.exponent, work.columns)
	k.modulus.write(work.encoded, work.power)
	if k.pss {
		return k.isPSS(work, digest)
	}
	return k.isPKCS1(work.encoded, digest)
}

// isPKCS1 reports whether encoded is EMSA-PKCS1-v1_5 of digest (RFC 8017 §9.2): 00 01 FF … FF 00, DigestInfo, digest.
func (k *rsaKey) isPKCS1(encoded, digest []byte) bool {
	info := k.hash.info()
	padding := len(encoded) - len(info) - len(digest)
	if padding < 11 {
		return false
	}
	good := encoded[0] == 0 && encoded[1] == 1 && encoded[padding-1] == 0
	for _, b := range encoded[2 : padding-1] {
		good = good && b == 0xFF
	}
	for i := range len(info) {
		good = good && encoded[padding+i] == info[i]
	}
	for i, b := range encoded[padding+len(info):] {
		good = good && b == digest[i]
	}
	return good
}

// zeros begin what PSS hashes.
var zeros [8]byte

// isPSS reports whether the encoded message is EMSA-PSS of digest (RFC 8017 §9.1.2).
func (k *rsaKey) isPSS(work *rsaWork, digest []byte) bool {
	encoded, size := work.encoded, len(digest)
	// The encoded message has a bit less than the modulus, and a byte less when that bit was the only one of its byte.
	spare := 8*len(encoded) - (k.modulus.bits - 1)
	if spare == 8 {
		if encoded[0] != 0 {
			return false
		}
		encoded, spare = encoded[1:], 0
	}
	if len(encoded) < 2*size+2 || encoded[len(encoded)-1] != 0xBC || encoded[0]>>(8-spare) != 0 {
		return false
	}
	masked, seed := encoded[:len(encoded)-size-1], encoded[len(encoded)-size-1:len(encoded)-1]
	k.unmask(work, masked, seed)
	masked[0] &= 0xFF >> spare

	// Zeros, a one, and the salt.
	salt := masked[len(masked)-size:]
	padding := masked[:len(masked)-size]
	good := padding[len(padding)-1] == 1
	for _, b := range padding[:len(padding)-1] {
		good = good && b == 0
	}
	if !good {
		return false
	}
	work.hash.reset(k.hash)
	work.hash.write(zeros[:])
	work.hash.write(digest)
	work.hash.write(salt)
	for i, b := range work.hash.sum(&work.other) {
		good = good && b == seed[i]
	}
	return good
}

// unmask adds the mask of MGF1 (RFC 8017 §B.2.1) to a masked block.
func (k *rsaKey) unmask(work *rsaWork, masked, seed []byte) {
	for at, counter := 0, byte(0); at < len(masked); counter++ { // 8,192 bits take fewer than 256 blocks
		work.counter = [4]byte{3: counter}
		work.hash.reset(k.hash)
		work.hash.write(seed)
		work.hash.write(work.counter[:])
		for _, b := range work.hash.sum(&work.other) {
			if at == len(masked) {
				break
			}
			masked[at] ^= b
			at++
		}
	}
}
