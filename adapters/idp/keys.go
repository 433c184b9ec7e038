package idp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/token"
)

// maxKeys is the greatest number of keys that are looked at.
const maxKeys = 128

// issuerKey is a key of the provider, and of whose tokens it is for.
type issuerKey struct {
	*token.Key
	issuer string // may contain templated; empty if the provider does not say
}

// keySet is the keys of a provider that are of use here.
type keySet []issuerKey

// keySet returns the provider's keys.
func (s *source) keySet(ctx context.Context, why reason, m metadata) (keySet, error) {
	return s.keys.get(ctx, why, s.now, func(ctx context.Context) (keySet, error) { return s.fetchKeys(ctx, m) })
}

func (s *source) fetchKeys(ctx context.Context, m metadata) (keySet, error) {
	const what = "keys"
	got, err := s.get(ctx, what, m.endpoints.JWKS, "")
	if err != nil {
		return nil, err
	}
	doc, err := got.document(what, false)
	if err != nil {
		return nil, err
	}
	keys := s.readKeys(doc)
	if len(keys) == 0 {
		return nil, unavailable(what, said("there is none that is of use"))
	}
	return keys, nil
}

// readKeys returns the keys of a JWK Set that are of use: asymmetric, strong, for verifying, of an
// accepted algorithm. Others are left out, as a provider may have them for others; but of those with
// the same kid the first counts. An RSA key without alg is for the one RSA algorithm that is
// accepted, or RS256.
func (s *source) readKeys(doc token.Value) keySet {
	var keys keySet
	list, _ := doc.Member("keys")
	if list.Kind() != token.KindArray {
		return nil
	}
	n := 0
	for c := list.Members(); c.Next() && n < maxKeys; n++ {
		key, err := token.ParseKey([]byte(s.withAlgorithm(c.Value())))
		if err != nil || key.Type() == "oct" || !slices.Contains(s.algorithms, key.Algorithm()) {
			continue
		}
		if key.ID() != "" && slices.ContainsFunc(keys, func(k issuerKey) bool { return k.ID() == key.ID() }) {
			continue
		}
		issuer := ""
		if s.preset.aliases != nil {
			issuer, _ = text(c.Value(), "issuer")
		}
		keys = append(keys, issuerKey{key, issuer})
	}
	return keys
}

// withAlgorithm returns the JWK v, with alg if it is an RSA key that has none and there is but one RSA algorithm
// to choose from.
func (s *source) withAlgorithm(v token.Value) string {
	_, has := v.Member("alg")
	if kty, _ := text(v, "kty"); kty != "RSA" || has {
		return v.Raw()
	}
	only := ""
	for _, name := range s.algorithms {
		if strings.HasPrefix(name, "RS") || strings.HasPrefix(name, "PS") {
			if only != "" {
				return v.Raw()
			}
			only = name
		}
	}
	if only == "" {
		return v.Raw()
	}
	return `{"alg":"` + only + `",` + v.Raw()[1:]
}

// equal reports whether two sets are the same keys.
func (s keySet) equal(others keySet) bool {
	return slices.EqualFunc(s, others, func(a, b issuerKey) bool {
		same := a.ID() == b.ID() && a.Algorithm() == b.Algorithm() && a.Type() == b.Type() && a.Curve() == b.Curve() && a.issuer == b.issuer
		for _, name := range []string{"x", "y", "n", "e"} {
			same = same && bytes.Equal(a.Parameter(name), b.Parameter(name))
		}
		return same
	})
}

// of returns the keys for the tokens of an issuer.
func (s keySet) of(issuer string) (*token.KeySet, []crypto.PublicKey, error) {
	var keys []*token.Key
	var public []crypto.PublicKey
	for _, k := range s {
		if k.issuer != "" && !fits(k.issuer, issuer) {
			continue
		}
		keys = append(keys, k.Key)
		if pub := publicKey(k.Key); pub != nil {
			public = append(public, pub)
		}
	}
	set, err := token.NewKeySet(keys...)
	return set, public, err
}

// publicKey returns a key as go-oidc takes it, or nil.
func publicKey(k *token.Key) crypto.PublicKey {
	number := func(name string) *big.Int { return new(big.Int).SetBytes(k.Parameter(name)) }
	switch k.Type() {
	case "OKP":
		return ed25519.PublicKey(k.Parameter("x"))
	case "RSA":
		return &rsa.PublicKey{N: number("n"), E: int(number("e").Int64())}
	}
	curve := elliptic.P256()
	switch k.Curve() {
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	}
	point := append(append([]byte{4}, k.Parameter("x")...), k.Parameter("y")...) // SEC 1 §2.3.3
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil
	}
	return pub
}
