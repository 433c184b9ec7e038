package primitive_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"math/big"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/wasm/primitive"
)

// rsaKey is a key pair in both worlds.
type rsaKey struct {
	n, d  *big.Int
	parts []rsaPart // of d, when the modulus is of small primes
	e     int64
	hash  crypto.Hash
	ours  [2]primitive.RSAKey // PKCS #1 v1.5 and PSS
}

// rsaPart is a prime of a modulus, the private exponent for it, and the number that is 1 modulo it and 0 modulo the others.
type rsaPart struct{ p, d, unit *big.Int }

// newRSAKey makes a modulus of many small primes, which is as good as another for verifying and is found at once.
func newRSAKey(r *rand.Rand, bits int, e int64, hash crypto.Hash) rsaKey {
	for {
		n, parts := big.NewInt(1), []rsaPart(nil)
		for n.BitLen() < bits {
			size := min(48, bits-n.BitLen()+1)
			if left := bits - n.BitLen(); left > 48 && left < 80 {
				size = left / 2
			}
			p := new(big.Int).SetUint64(r.Uint64()>>(64-size) | 1<<(size-1) | 1)
			less := plus(p, -1)
			if p.ProbablyPrime(10) && new(big.Int).Mod(n, p).Sign() != 0 && less.GCD(nil, nil, less, big.NewInt(e)).Cmp(big.NewInt(1)) == 0 {
				n.Mul(n, p)
				parts = append(parts, rsaPart{p: p, d: new(big.Int).ModInverse(big.NewInt(e), plus(p, -1))})
			} else if size < 20 {
				break
			}
		}
		if n.BitLen() != bits {
			continue
		}
		for i := range parts {
			rest := new(big.Int).Quo(n, parts[i].p)
			parts[i].unit = new(big.Int).ModInverse(rest, parts[i].p)
			parts[i].unit.Mul(parts[i].unit, rest)
		}
		k := rsaKeyOf(n, nil, e, hash)
		k.parts = parts
		return k
	}
}

func rsaKeyOf(n, d *big.Int, e int64, hash crypto.Hash) rsaKey {
	k := rsaKey{n: n, d: d, e: e, hash: hash}
	for i := range k.ours {
		ours, ok := primitive.NewRSAKey(n.Bytes(), big.NewInt(e).Bytes(), hash.Size(), i == 1)
		if !ok {
			panic(n)
		}
		k.ours[i] = ours
	}
	return k
}

func (k rsaKey) size() int { return (k.n.BitLen() + 7) / 8 }

// sign returns the signature whose encoded message is the given one, which is below the modulus.
func (k rsaKey) sign(encoded []byte) []byte {
	m, s := new(big.Int).SetBytes(encoded), new(big.Int)
	for _, part := range k.parts {
		residue := new(big.Int).Mod(m, part.p)
		s.Add(s, residue.Exp(residue, part.d, part.p).Mul(residue, part.unit))
	}
	if k.d != nil {
		s.Exp(m, k.d, k.n)
	}
	return s.Mod(s, k.n).FillBytes(make([]byte, k.size()))
}

// check verifies in both worlds, which have to agree, and returns what both say.
func (k rsaKey) check(t *testing.T, pss bool, digest, signature []byte) bool {
	t.Helper()
	pub := &rsa.PublicKey{N: k.n, E: int(k.e)}
	which, err := 0, error(nil)
	if pss {
		which, err = 1, rsa.VerifyPSS(pub, k.hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	} else {
		err = rsa.VerifyPKCS1v15(pub, k.hash, digest, signature)
	}
	if ours := k.ours[which].Verify(digest, signature); ours != (err == nil) {
		t.Fatalf("n %x, e %d, PSS %v, digest %x, signature %x: accepted %v, crypto/rsa %v", k.n, k.e, pss, digest, signature, ours, err)
	}
	return err == nil
}

// infos is what stands between the padding and the digest of each hash (RFC 8017 §9.2).
var infos = map[crypto.Hash][]byte{
	crypto.SHA256: number("3031300d060960864801650304020105000420").Bytes(),
	crypto.SHA384: number("3041300d060960864801650304020205000430").Bytes(),
	crypto.SHA512: number("3051300d060960864801650304020305000440").Bytes(),
}

// encodePKCS1 returns EMSA-PKCS1-v1_5.
func encodePKCS1(size int, info, digest []byte) []byte {
	tail := append(append([]byte{0}, info...), digest...)
	encoded := make([]byte, size)
	encoded[1] = 1
	for i := 2; i < size-len(tail); i++ {
		encoded[i] = 0xFF
	}
	copy(encoded[size-len(tail):], tail)
	return encoded
}

// encodePSS returns EMSA-PSS with a salt, in as many bytes as the modulus has; spoil changes the block before it is masked.
func encodePSS(k rsaKey, digest, salt []byte, spoil func(db []byte)) []byte {
	bits := k.n.BitLen() - 1
	h := k.hash.New()
	h.Write(make([]byte, 8))
	h.Write(digest)
	h.Write(salt)
	seed := h.Sum(nil)
	encoded := make([]byte, (bits+7)/8)
	db := encoded[:len(encoded)-len(seed)-1]
	db[len(db)-len(salt)-1] = 1
	copy(db[len(db)-len(salt):], salt)
	if spoil != nil {
		spoil(db)
	}
	for i, counter := 0, byte(0); i < len(db); counter++ {
		h.Reset()
		h.Write(seed)
		h.Write([]byte{0, 0, 0, counter})
		for _, b := range h.Sum(nil) {
			if i < len(db) {
				db[i] ^= b
			}
			i++
		}
	}
	db[0] &= 0xFF >> (8*len(encoded) - bits)
	copy(encoded[len(db):], append(seed, 0xBC))
	return append(make([]byte, k.size()-len(encoded)), encoded...)
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// rsaKeys returns keys at the lengths where something changes: of bytes, of digits, of blocks of digits, of carries.
func rsaKeys(r *rand.Rand) (keys []rsaKey) {
	hashes := []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}
	for i, bits := range []int{2048, 2049, 2050, 2055, 2056, 2057, 2126, 2127, 3072, 3331, 3358, 3359, 4096} {
		keys = append(keys, newRSAKey(r, bits, 65537, hashes[i%3]))
	}
	for i, e := range []int64{3, 17, 257, 65539, 0x01000001, 1<<31 - 1} {
		keys = append(keys, newRSAKey(r, 1024+i*29, e, hashes[i%3]))
	}
	// A modulus just below a power of two, and one just above.
	for i := range 2 {
		for d := int64(1); ; d += 2 {
			n := plus(new(big.Int).Lsh(big.NewInt(1), 1279), int64(i*2-1)*d)
			inverse := new(big.Int)
			if n.ProbablyPrime(1) && inverse.ModInverse(big.NewInt(65537), plus(n, -1)) != nil {
				keys = append(keys, rsaKeyOf(n, inverse, 65537, crypto.SHA256))
				break
			}
		}
	}
	return keys
}

func TestRSA_AgreesWithStandardLibrary(t *testing.T) {
	r := chance(11)
	for _, k := range rsaKeys(r) {
		digest := randomBytes(r, k.hash.Size())
		for _, pss := range []bool{false, true} {
			encoded := encodePKCS1(k.size(), infos[k.hash], digest)
			if pss {
				encoded = encodePSS(k, digest, randomBytes(r, k.hash.Size()), nil)
			}
			good := k.sign(encoded)
			if !k.check(t, pss, digest, good) {
				t.Fatalf("refused a good signature: %d bits, PSS %v", k.n.BitLen(), pss)
			}
			if k.check(t, !pss, digest, good) {
				t.Fatal("accepted another padding")
			}
			for range 12 {
				forged := append([]byte(nil), good...)
				forged[r.IntN(len(forged))] ^= 1 << r.IntN(8)
				other := append([]byte(nil), digest...)
				other[r.IntN(len(other))] ^= 1 << r.IntN(8)
				if k.check(t, pss, digest, forged) || k.check(t, pss, other, good) {
					t.Fatal("accepted a forgery")
				}
			}
			n := make([]byte, k.size())
			for name, other := range map[string][]byte{
				"nothing":         nil,
				"one byte":        {1},
				"a byte less":     good[:len(good)-1],
				"without a zero":  good[1:],
				"a byte more":     append(good[:len(good):len(good)], 0),
				"a zero in front": append([]byte{0}, good...),
				"twice":           append(good[:len(good):len(good)], good...),
				"0":               make([]byte, len(good)),
				"1":               big.NewInt(1).FillBytes(make([]byte, len(good))),
				"n-1":             plus(k.n, -1).FillBytes(make([]byte, len(good))),
				"n":               k.n.FillBytes(n),
				"encoded":         encoded,
			} {
				if k.check(t, pss, digest, other) {
					t.Errorf("accepted %s", name)
				}
			}
			all := make([]byte, len(good))
			for i := range all {
				all[i] = 0xFF
			}
			k.check(t, pss, digest, all)
			// The same residue by a number that is not below n.
			if above := new(big.Int).Add(new(big.Int).SetBytes(good), k.n); above.BitLen() <= 8*len(good) {
				if k.check(t, pss, digest, above.FillBytes(make([]byte, len(good)))) {
					t.Error("accepted s + n")
				}
			} else if k.check(t, pss, digest, above.FillBytes(make([]byte, len(good)+1))) {
				t.Error("accepted s + n in a longer signature")
			}
		}
	}
}

// TestRSA_Paddings signs encoded messages that an honest signer does not make.
func TestRSA_Paddings(t *testing.T) {
	r := chance(12)
	above, firsts := 0, 0
	for _, k := range rsaKeys(r) {
		size, digest := k.size(), randomBytes(r, k.hash.Size())
		info := infos[k.hash]
		good := encodePKCS1(size, info, digest)
		set := func(at int, b byte) []byte {
			changed := append([]byte(nil), good...)
			changed[at] = b
			return changed
		}
		end := size - len(info) - len(digest) - 1 // of the padding
		noNull := append([]byte(nil), info...)
		noNull = append(noNull[:15:15], noNull[17:]...)
		noNull[1] -= 2
		noNull[3] -= 2
		short := append(append(append([]byte{0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0}, info...), digest...), randomBytes(r, size)...)
		for name, encoded := range map[string][]byte{
			"block type 0":           set(1, 0),
			"block type 2":           set(1, 2),
			"one byte of padding":    set(2, 0xFE),
			"last byte of padding":   set(end-1, 0),
			"separator":              set(end, 1),
			"padding ends early":     set(end-9, 0),
			"first byte of info":     set(end+1, 0x31),
			"no NULL":                encodePKCS1(size, noNull, digest),
			"no info":                encodePKCS1(size, nil, digest),
			"info of another hash":   encodePKCS1(size, append(append([]byte(nil), info[:14]...), info[14]^3, 5, 0, 4, info[18]), digest),
			"trailing bytes":         short[:size],
			"digest and a byte more": encodePKCS1(size, info, append(digest[:len(digest):len(digest)], 0)),
			"digest and a byte less": encodePKCS1(size, info, digest[1:]),
			"all padding":            encodePKCS1(size, nil, nil),
		} {
			if k.check(t, false, digest, k.sign(encoded)) {
				t.Errorf("%d bits: accepted %s", k.n.BitLen(), name)
			}
		}
		if first := set(0, 1); new(big.Int).SetBytes(first).Cmp(k.n) < 0 {
			firsts++
			if k.check(t, false, digest, k.sign(first)) {
				t.Errorf("%d bits: accepted 01 for the first byte", k.n.BitLen())
			}
		}
		for i := 1; i < size; i += 1 + r.IntN(size/24) {
			changed := append([]byte(nil), good...)
			changed[i] ^= 1 << r.IntN(8)
			if k.check(t, false, digest, k.sign(changed)) {
				t.Errorf("%d bits: accepted a change at %d", k.n.BitLen(), i)
			}
		}

		hash := k.hash.Size()
		room := (k.n.BitLen()-1+7)/8 - hash - 2
		for _, salt := range []int{0, 1, 20, hash - 1, hash, hash + 1, room} {
			if salt > room {
				continue
			}
			if got := k.check(t, true, digest, k.sign(encodePSS(k, digest, randomBytes(r, salt), nil))); got != (salt == hash) {
				t.Errorf("%d bits: accepted %v for a salt of %d bytes", k.n.BitLen(), got, salt)
			}
		}
		salt := randomBytes(r, hash)
		pad := room - hash // zeros before the one
		if pad < 0 {
			continue
		}
		for name, spoil := range map[string]func([]byte){
			"a one too early": func(db []byte) { db[max(pad-1, 0)] |= 1; db[pad] = 1; db[0] |= 1 },
			"a two":           func(db []byte) { db[pad] = 2 },
			"no one":          func(db []byte) { db[pad] = 0 },
			"another salt":    func(db []byte) { db[pad+1] ^= 1 },
			"first byte":      func(db []byte) { db[0] ^= 1 },
		} {
			if k.check(t, true, digest, k.sign(encodePSS(k, digest, salt, spoil))) && (pad > 0 || name != "a one too early") {
				t.Errorf("%d bits: accepted %s", k.n.BitLen(), name)
			}
		}
		pss := encodePSS(k, digest, salt, nil)
		for i := range pss {
			if i > 3 && i < len(pss)-3 && r.IntN(12) > 0 {
				continue
			}
			changed := append([]byte(nil), pss...)
			changed[i] ^= 1 << r.IntN(8)
			if new(big.Int).SetBytes(changed).Cmp(k.n) >= 0 {
				above++
				continue
			}
			if k.check(t, true, digest, k.sign(changed)) {
				t.Errorf("%d bits: accepted a change at %d", k.n.BitLen(), i)
			}
		}
		// The bit that the encoded message does not have.
		top := new(big.Int).SetBit(new(big.Int).SetBytes(pss), k.n.BitLen()-1, 1)
		if top.Cmp(k.n) < 0 && k.check(t, true, digest, k.sign(top.Bytes())) {
			t.Errorf("%d bits: accepted a message with a bit more", k.n.BitLen())
		}
	}
	if firsts < 10 {
		t.Errorf("only %d moduli have room for another first byte", firsts)
	}
	if above > 60 {
		t.Errorf("%d changes were left out", above)
	}
}

// TestRSA_NoRoom has a modulus that is too short for PSS with its hash.
func TestRSA_NoRoom(t *testing.T) {
	r := chance(18)
	for _, bits := range []int{1024, 1025, 1033, 1034} {
		k := newRSAKey(r, bits, 65537, crypto.SHA512)
		digest := randomBytes(r, 64)
		encoded := make([]byte, k.size())
		encoded[len(encoded)-1] = 0xBC
		for range 20 {
			k.check(t, true, digest, k.sign(encoded))
			copy(encoded[1:], randomBytes(r, len(encoded)-2))
			k.check(t, true, digest, randomBytes(r, len(encoded)))
		}
		if bits >= 1034 != k.check(t, true, digest, k.sign(encodeShortPSS(k, digest))) {
			t.Errorf("%d bits: wrong verdict", bits)
		}
	}
}

// encodeShortPSS is encodePSS where there is room, and bytes of the right length where there is none.
func encodeShortPSS(k rsaKey, digest []byte) []byte {
	if k.n.BitLen() < 8*(2*len(digest)+1)+2 {
		return append(make([]byte, k.size()-1), 0xBC)
	}
	return encodePSS(k, digest, make([]byte, len(digest)), nil)
}

// TestModulus_Power holds powers against math/big for moduli of every kind of length, and numbers of every kind.
func TestModulus_Power(t *testing.T) {
	r := chance(13)
	one := big.NewInt(1)
	for _, bits := range []int{1024, 1025, 1091, 1119, 1120, 2048, 2049, 2126, 2127, 3330, 3357, 3358, 3359, 3360, 4096, 6718, 6719, 6720, 8191, 8192} {
		top := new(big.Int).Lsh(one, uint(bits))
		half := new(big.Int).Lsh(one, uint(bits-1))
		random1 := new(big.Int).SetBit(random(r, half), bits-1, 1)
		for _, n := range []*big.Int{plus(top, -1), plus(half, 1), random1.SetBit(random1, 0, 1), plus(top, -1<<40+1), new(big.Int).Add(half, plus(new(big.Int).Lsh(one, 64), 1))} {
			for _, a := range []*big.Int{new(big.Int), one, big.NewInt(2), plus(n, -1), plus(n, -2), new(big.Int).Rsh(n, 1), new(big.Int).Rsh(half, 1), random(r, n)} {
				e := uint32(65537)
				if r.IntN(3) == 0 {
					e = []uint32{3, 5, 0x10101, 1<<31 - 1, 1<<32 - 1}[r.IntN(5)]
				}
				size := (bits + 7) / 8
				got := primitive.Power(n.Bytes(), a.FillBytes(make([]byte, size)), e)
				if want := new(big.Int).Exp(a, big.NewInt(int64(e)), n); new(big.Int).SetBytes(got).Cmp(want) != 0 || len(got) != size {
					t.Fatalf("%x^%d mod %x: %x, want %x", a, e, n, got, want)
				}
			}
		}
	}
}

// TestModulus_Product has the greatest numbers that products take, whose columns are as full as they become.
func TestModulus_Product(t *testing.T) {
	r := chance(19)
	for bits := 1024; bits <= 8192; bits += 1 + r.IntN(120) {
		n := plus(new(big.Int).Lsh(big.NewInt(1), uint(bits)), -1)
		if r.IntN(2) == 0 {
			n.Sub(n, new(big.Int).Lsh(random(r, new(big.Int).Lsh(big.NewInt(1), 27)), 1))
		}
		twice := plus(new(big.Int).Lsh(n, 1), -1)
		below := new(big.Int).Sub(twice, random(r, n))
		for _, c := range [][2]*big.Int{{twice, nil}, {below, nil}, {twice, twice}, {below, twice}, {twice, below}, {n, n}, {new(big.Int), twice}} {
			a, b := c[0], c[1]
			want, second := new(big.Int).Mul(a, a), []byte(nil)
			if b != nil {
				want, second = new(big.Int).Mul(a, b), b.FillBytes(make([]byte, 1+bits/8+1))
			}
			got, exponent := primitive.Product(n.Bytes(), a.Bytes(), second)
			back := new(big.Int).Lsh(got, uint(exponent))
			if got.Cmp(new(big.Int).Lsh(n, 1)) >= 0 || back.Sub(back, want).Mod(back, n).Sign() != 0 {
				t.Fatalf("%d bits: %x times %x: %x", bits, a, b, got)
			}
		}
	}
}

func TestRSA_Keys(t *testing.T) {
	r := chance(14)
	n := newRSAKey(r, 2048, 65537, crypto.SHA256).n.Bytes()
	even := append([]byte(nil), n...)
	even[len(even)-1] &^= 1
	e := []byte{1, 0, 1}
	for _, c := range []struct {
		name string
		n, e []byte
		want bool
	}{
		{"good", n, e, true},
		{"longest", append([]byte{1}, append(make([]byte, 1022), 1)...), []byte{0x7F, 0xFF, 0xFF, 0xFF}, true},
		{"longest exponent", n, []byte{0xFF, 0xFF, 0xFF, 0xFF}, true},
		{"nothing", nil, nil, false},
		{"no exponent", n, nil, false},
		{"long exponent", n, []byte{1, 0, 0, 0, 1}, false},
		{"exponent 1", n, []byte{1}, false},
		{"exponent 0", n, []byte{0, 0}, false},
		{"even exponent", n, []byte{1, 0, 0}, false},
		{"even", even, e, false},
		{"leading zero", append([]byte{0}, n...), e, false},
		{"short", n[:127], e, false},
		{"zeros", make([]byte, 256), e, false},
		{"too long", append([]byte{1}, append(make([]byte, 1023), 1)...), e, false},
	} {
		if _, ok := primitive.NewRSAKey(c.n, c.e, 32, false); ok != c.want {
			t.Errorf("%s: %v", c.name, ok)
		}
	}
}

// rsaAlgorithms are the algorithms beside those that they replace.
var rsaAlgorithms = []struct {
	ours, theirs token.Algorithm
	hash         crypto.Hash
	pss          bool
}{
	{primitive.RS256, token.RS256, crypto.SHA256, false},
	{primitive.RS384, token.RS384, crypto.SHA384, false},
	{primitive.RS512, token.RS512, crypto.SHA512, false},
	{primitive.PS256, token.PS256, crypto.SHA256, true},
	{primitive.PS384, token.PS384, crypto.SHA384, true},
	{primitive.PS512, token.PS512, crypto.SHA512, true},
}

// signRSA signs an input.
func signRSA(k rsaKey, pss bool, input []byte) []byte {
	h := k.hash.New()
	h.Write(input)
	digest := h.Sum(nil)
	if pss {
		return k.sign(encodePSS(k, digest, randomBytes(chance(15), k.hash.Size()), nil))
	}
	return k.sign(encodePKCS1(k.size(), infos[k.hash], digest))
}

func TestRSA_Primitive(t *testing.T) {
	r := chance(16)
	input := []byte("eyJhbGciOiJSUzI1NiJ9.e30")
	for _, a := range rsaAlgorithms {
		t.Run(a.ours.Name(), func(t *testing.T) {
			if a.ours.Name() != a.theirs.Name() {
				t.Fatal(a.theirs.Name())
			}
			k := newRSAKey(r, 2048, 65537, a.hash)
			key, err := token.NewRSAKey("", a.ours.Name(), &rsa.PublicKey{N: k.n, E: int(k.e)})
			if err != nil {
				t.Fatal(err)
			}
			good := signRSA(k, a.pss, input)
			for _, algorithm := range []token.Algorithm{a.ours, a.theirs} {
				p, err := algorithm.Primitive(key)
				if err != nil {
					t.Fatal(err)
				}
				var wait sync.WaitGroup
				for range 3 {
					wait.Go(func() {
						for range 5 {
							if !p.Verify(input, good) || p.Verify(input[1:], good) || p.Verify(input, good[1:]) || p.Verify(nil, nil) {
								t.Error("wrong verdict")
							}
						}
					})
				}
				wait.Wait()
			}
			for _, other := range rsaAlgorithms {
				if _, err := other.ours.Primitive(key); errors.Is(err, token.ErrKeyMismatch) != (other.ours != a.ours) {
					t.Errorf("%s: %v", other.ours.Name(), err)
				}
			}
			if _, err := a.ours.Primitive(nil); !errors.Is(err, token.ErrKeyMismatch) {
				t.Errorf("nil: %v", err)
			}
		})
	}
}

// FuzzRSA holds verdicts against crypto/rsa, for encoded messages and for signatures that were tampered with.
func FuzzRSA(f *testing.F) {
	r := chance(17)
	var keys []rsaKey
	for i, bits := range []int{1024, 1025, 1031, 1032, 1120, 2048} {
		keys = append(keys, newRSAKey(r, bits, []int64{65537, 3}[i%2], []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA256}[i%3]))
	}
	f.Add(uint8(0), []byte("digest"), []byte{}, []byte{}, []byte{})
	f.Add(uint8(3), []byte("digest"), []byte{0, 1}, []byte{1}, []byte{1, 2, 3})
	f.Add(uint8(9), []byte{}, []byte{}, []byte{}, keys[3].n.Bytes())
	f.Fuzz(func(t *testing.T, which uint8, hash, message, flips, instead []byte) {
		k, pss := keys[int(which>>1)%len(keys)], which&1 == 1
		digest := make([]byte, k.hash.Size())
		copy(digest, hash)
		encoded := encodePKCS1(k.size(), infos[k.hash], digest)
		if pss {
			encoded = encodePSS(k, digest, digest, nil)
		}
		for i, b := range message {
			encoded[len(encoded)-1-i%len(encoded)] ^= b
		}
		signature := k.sign(encoded)
		if good := k.check(t, pss, digest, signature); !good && len(message) == 0 {
			t.Fatal("refused a good signature")
		}
		for i, b := range flips {
			signature[i%len(signature)] ^= b
		}
		k.check(t, pss, digest, signature)
		k.check(t, pss, digest, instead)
	})
}

var _ = [...]any{sha256.New, sha512.New} // crypto.Hash finds them linked
