package idp

import (
	"context"
	"crypto"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
)

const (
	maxToken = 16 << 10 // bytes of an ID token or logout token
	leeway   = token.DefaultLeeway

	// How long ago, in seconds, an ID token and a logout token may have been issued. Microsoft dates its tokens five minutes
	// back; a logout token is sent at once.
	maxIDTokenAge     = 3600
	maxLogoutTokenAge = 600
)

// tenantForm is that of a tenant id of the preset microsoft.
var tenantForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// signed is one sort of token that providers sign.
type signed struct {
	types    []string
	required []string
	maxAge   int64
	why      reason // to fetch keys again
	also     func(ctx context.Context, v *oidc.IDTokenVerifier, raw string) error
}

// idToken is what ID tokens are like: they have no typ, or JWT.
var idToken = signed{
	types: []string{"", "JWT"}, required: []string{"sub", "iat"}, maxAge: maxIDTokenAge, why: forSignIn,
	also: func(ctx context.Context, v *oidc.IDTokenVerifier, raw string) error {
		_, err := v.Verify(ctx, raw)
		return err
	},
}

// verify checks the signature and what all signed tokens have in common, and returns the claims and the
// issuer. A token that is refused is an error without a kind.
func (p *Provider) verify(ctx context.Context, m metadata, raw string, s signed) (token.Claims, error) {
	var claims token.Claims
	if len(raw) > maxToken {
		return claims, token.ErrTooLong
	}
	issuer, err := p.issuerOf(m, raw)
	if err != nil {
		return claims, err
	}
	why := forUse
	for {
		keys, err := p.keySet(ctx, why, m)
		if err != nil {
			return claims, err
		}
		set, public, err := keys.of(issuer)
		if err != nil {
			return claims, unavailable("keys", said(err.Error()))
		}
		err = p.verifyWith(ctx, raw, s, issuer, set, public, &claims)
		if token.ReasonOf(err) == token.ReasonKeyUnknown && why == forUse {
			why = s.why
			continue
		}
		if err != nil {
			return token.Claims{}, err
		}
		return claims, nil
	}
}

// verifyWith asks both verifiers.
func (p *Provider) verifyWith(
	ctx context.Context, raw string, s signed, issuer string, set *token.KeySet, public []crypto.PublicKey, claims *token.Claims,
) error {
	algorithms := make([]token.Algorithm, len(p.config.Algorithms))
	for i, name := range p.config.Algorithms {
		algorithms[i] = signatures[name]
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audiences: []string{p.config.ClientID}, Types: s.types, Algorithms: algorithms,
		Keys: set, Required: s.required, Leeway: leeway, MaxAge: s.maxAge, MaxLength: maxToken,
	})
	if err != nil {
		return err
	}
	now := p.config.Now()
	if err := v.Verify(raw, now.Unix(), claims); err != nil {
		return err
	}
	err = s.also(ctx, oidc.NewVerifier(issuer, &oidc.StaticKeySet{PublicKeys: public}, &oidc.Config{
		ClientID: p.config.ClientID, SupportedSigningAlgs: p.config.Algorithms,
		Now: func() time.Time { return now.Add(-leeway * time.Second) },
	}), raw)
	if err != nil {
		return fmt.Errorf("go-oidc: %w", err)
	}
	return nil
}

// issuerOf returns which issuer a token must have. Where there are several, what the token says of itself
// picks one of them, which the token is then verified for.
func (p *Provider) issuerOf(m metadata, raw string) (string, error) {
	many := strings.Contains(m.issuer, templated)
	if !many && p.preset.alsoIss == "" {
		return m.issuer, nil
	}
	payload, err := peek(raw)
	if err != nil {
		return "", err
	}
	if iss, _ := text(payload, "iss"); p.preset.alsoIss != "" && iss == p.preset.alsoIss {
		return iss, nil
	}
	if !many {
		return m.issuer, nil
	}
	tid, _ := text(payload, "tid")
	if !tenantForm.MatchString(tid) {
		return "", said("the token does not say of which tenant it is")
	}
	return strings.ReplaceAll(m.issuer, templated, tid), nil
}

// peek returns the payload of a compact JWS, unverified.
func peek(raw string) (token.Value, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return token.Value{}, token.ErrMalformed
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return token.Value{}, token.ErrMalformed
	}
	v, err := token.ParseJSON(string(payload))
	if err != nil || v.Kind() != token.KindObject {
		return token.Value{}, token.ErrMalformed
	}
	return v, nil
}

// verifyID verifies an ID token for a nonce, which is empty for a request that had none, and the access token
// that came with it (OpenID Connect Core 1.0 §3.1.3.7).
func (p *Provider) verifyID(ctx context.Context, m metadata, raw, nonce, access string) (token.Claims, error) {
	claims, err := p.verify(ctx, m, raw, idToken)
	if err != nil {
		return claims, err
	}
	if p.preset.alsoIss != "" && claims.Issuer == p.preset.alsoIss {
		claims.Issuer = m.issuer
	}
	use, _ := claims.Lookup("token_use")
	_, party := claims.Lookup("azp")
	switch {
	case subtle.ConstantTimeCompare([]byte(claims.Nonce), []byte(nonce)) != 1:
		err = said("the nonce is not that of the request")
	case (party || len(claims.Audience) > 1) && claims.AuthorizedParty != p.config.ClientID:
		err = said("the authorized party (azp) is another client")
	case p.preset.tokenUse != "" && use.Raw() != `"`+p.preset.tokenUse+`"`:
		err = said("the token is for another use")
	default:
		if err = user.CheckSubject(claims.Subject); err == nil {
			err = checkHash(&claims, raw, access)
		}
	}
	if err != nil {
		return token.Claims{}, err
	}
	return claims, nil
}

// checkHash compares at_hash, if it is there, with the access token (OpenID Connect Core 1.0 §3.1.3.6): the left
// half of the hash that the algorithm of the ID token uses, SHA-512 for Ed25519.
func checkHash(claims *token.Claims, raw, access string) error {
	if _, there := claims.Lookup("at_hash"); !there {
		return nil
	}
	header, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil {
		return token.ErrMalformed
	}
	v, err := token.ParseJSON(string(text))
	if err != nil {
		return token.ErrMalformed
	}
	alg, _ := v.Member("alg")
	name, _ := alg.Text()
	h := crypto.SHA512
	switch {
	case strings.HasSuffix(name, "256"):
		h = crypto.SHA256
	case strings.HasSuffix(name, "384"):
		h = crypto.SHA384
	}
	sum := h.New()
	_, _ = sum.Write([]byte(access))
	half := sum.Sum(nil)[:h.Size()/2]
	if base64.RawURLEncoding.EncodeToString(half) != claims.AccessTokenHash {
		return said("at_hash is not that of the access token")
	}
	return nil
}

// fits reports whether issuer is the one that may is, or one that it stands for.
func fits(may, issuer string) bool {
	before, after, many := strings.Cut(may, templated)
	if !many {
		return may == issuer
	}
	tid, begins := strings.CutPrefix(issuer, before)
	tid, ends := strings.CutSuffix(tid, after)
	return begins && ends && tenantForm.MatchString(tid)
}

// knows reports whether an issuer, as the parameter of an authorization response, may be that of m (RFC
// 9207 §2.4).
func (p *Provider) knows(m metadata, issuer string) bool {
	return fits(m.issuer, issuer) || p.preset.respIss != "" && issuer == m.issuer+p.preset.respIss
}
