package primitive_test

import (
	"crypto/ed25519"
	"errors"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// The order of the base point, and the prime, of edwards25519 (RFC 8032 §5.1).
var (
	edL = number("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed")
	edP = plus(new(big.Int).Lsh(big.NewInt(1), 255), -19)
)

// edKey is a public key in both worlds.
type edKey struct {
	public []byte
	ours   primitive.EdKey
}

func newEdKey(public []byte) edKey { return edKey{public, primitive.NewEdKey((*[32]byte)(public))} }

// checkEd verifies under a key that is used once.
func checkEd(t *testing.T, public, input, signature []byte) bool {
	t.Helper()
	return newEdKey(public).check(t, input, signature)
}

// check verifies in both worlds, which have to agree, and returns what both say.
func (k edKey) check(t *testing.T, input, signature []byte) bool {
	t.Helper()
	ours := k.ours.Verify(input, signature)
	theirs := len(signature) == 64 && ed25519.Verify(k.public, input, signature)
	if ours != theirs {
		t.Fatalf("key %x, input %x, signature %x: accepted %v, crypto/ed25519 %v", k.public, input, signature, ours, theirs)
	}
	return theirs
}

// little returns a number below 2^256 as little-endian bytes.
func little(n *big.Int) []byte {
	b := bytes32(n)
	slices.Reverse(b[:])
	return b[:]
}

func fromLittle(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

func TestEdDSA_AgreesWithStandardLibrary(t *testing.T) {
	r := chance(31)
	for i := range 60 {
		private := ed25519.NewKeyFromSeed(randomBytes(r, 32))
		key := newEdKey(private.Public().(ed25519.PublicKey))
		input := randomBytes(r, i*i/3)
		good := ed25519.Sign(private, input)
		if !key.check(t, input, good) {
			t.Fatal("refused a good signature")
		}
		for range 8 {
			forged, other := slices.Clone(good), append(slices.Clone(input), 1)
			forged[r.IntN(64)] ^= 1 << r.IntN(8)
			other[r.IntN(len(other))] ^= 1 << r.IntN(8)
			if key.check(t, input, forged) || key.check(t, other, good) {
				t.Fatal("accepted a forgery")
			}
		}
		// S + L, S + 2L … have the same residue.
		s := fromLittle(good[32:])
		for s.Add(s, edL); s.BitLen() <= 256; s.Add(s, edL) {
			if key.check(t, input, append(slices.Clone(good[:32]), little(s)...)) {
				t.Fatal("accepted an S above the order")
			}
		}
		for _, other := range [][]byte{
			nil,
			{},
			good[:32], good[:63], append(slices.Clone(good), 0), append([]byte{0}, good...), make([]byte, 64),
			append(slices.Clone(good[32:]), good[:32]...),
		} {
			if key.check(t, input, other) {
				t.Fatalf("accepted %x", other)
			}
		}
	}
}

// oddPoints returns encodings that are unusual: of small order, not canonical, of no point, with a sign but no x.
func oddPoints() (list [][]byte) {
	order8 := []string{
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	}
	var numbers []*big.Int
	for _, h := range order8 {
		numbers = append(numbers, fromLittle(number(h).FillBytes(make([]byte, 32))))
	}
	for d := int64(0); d < 19; d++ {
		numbers = append(numbers, big.NewInt(d), plus(edP, -d), plus(edP, d))
	}
	for _, n := range numbers {
		if n.BitLen() > 255 {
			continue
		}
		list = append(list, little(n), little(new(big.Int).SetBit(n, 255, 1)))
	}
	return list
}

// TestEdDSA_OddPoints has unusual encodings for the key and for R. With a key of small order, S = 0 and an R that is a
// multiple of it, a signature is good for one input in eight or more.
func TestEdDSA_OddPoints(t *testing.T) {
	r := chance(32)
	list := oddPoints()
	accepted, unusual := 0, 0
	for i, public := range list {
		key := newEdKey(public)
		for j, point := range list {
			signature := append(slices.Clone(point), make([]byte, 32)...)
			if key.check(t, randomBytes(r, 1+(i+j)%9), signature) {
				accepted++
				if y := fromLittle(public); y.SetBit(y, 255, 0).Cmp(edP) >= 0 {
					unusual++
				}
			}
		}
	}
	t.Logf("%d accepted, %d of them with a key that is not canonical", accepted, unusual)
	if accepted < 10 || unusual == 0 {
		t.Errorf("%d accepted, %d of them with a key that is not canonical", accepted, unusual)
	}
	private := ed25519.NewKeyFromSeed(randomBytes(r, 32))
	key := newEdKey(private.Public().(ed25519.PublicKey))
	for _, point := range list {
		for _, s := range []*big.Int{new(big.Int), big.NewInt(1), plus(edL, -1), edL, plus(edL, 1), plus(new(big.Int).Lsh(big.NewInt(1), 253), -1), plus(new(big.Int).Lsh(big.NewInt(1), 256), -1)} {
			key.check(t, []byte("input"), append(slices.Clone(point), little(s)...))
		}
	}
	// S alone: R is [S]B - [k]A for no k that is known, unless A is the neutral element.
	neutral := newEdKey(little(big.NewInt(1)))
	for range 40 {
		s := random(r, edL)
		signature := ed25519.Sign(ed25519.NewKeyFromSeed(randomBytes(r, 32)), []byte("x"))
		neutral.check(t, []byte("x"), append(slices.Clone(signature[:32]), little(s)...))
	}
	for range 200 {
		checkEd(t, randomBytes(r, 32), []byte("input"), append(randomBytes(r, 32), little(random(r, edL))...))
	}
}

func TestEdDSA_Primitive(t *testing.T) {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	key, err := token.NewEd25519Key("", private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	p, err := primitive.EdDSA.Primitive(key)
	if err != nil {
		t.Fatal(err)
	}
	input := []byte("eyJhbGciOiJFZERTQSJ9.e30")
	good := ed25519.Sign(private, input)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 20 {
				if !p.Verify(input, good) || p.Verify(input[1:], good) || p.Verify(input, good[1:]) || p.Verify(nil, nil) {
					t.Error("wrong verdict")
				}
			}
		})
	}
	wait.Wait()
	other, err := token.NewHMACKey("", "HS256", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []*token.Key{nil, other} {
		if _, err := primitive.EdDSA.Primitive(k); !errors.Is(err, token.ErrKeyMismatch) {
			t.Errorf("%v: %v", k, err)
		}
	}
}

// FuzzEdDSA holds verdicts against crypto/ed25519, under any 32 bytes for a key too.
func FuzzEdDSA(f *testing.F) {
	f.Add([]byte("seed"), []byte("input"), []byte{}, []byte{}, []byte{})
	for _, point := range oddPoints()[:12] {
		f.Add([]byte("seed"), []byte("input"), []byte{1}, point, append(slices.Clone(point), make([]byte, 32)...))
	}
	f.Fuzz(func(t *testing.T, seed, input, flips, public, instead []byte) {
		var full [32]byte
		copy(full[:], seed)
		private := ed25519.NewKeyFromSeed(full[:])
		own := newEdKey(private.Public().(ed25519.PublicKey))
		signature := ed25519.Sign(private, input)
		if !own.check(t, input, signature) {
			t.Fatal("refused a good signature")
		}
		for i, b := range flips {
			signature[i%64] ^= b
		}
		own.check(t, input, signature)
		own.check(t, input, instead)
		if len(public) == 32 {
			checkEd(t, public, input, signature)
			checkEd(t, public, input, instead)
		}
	})
}
