package token_test

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hexward/hexward/core/token"
)

func (tc *tokenCase) sign(s signer) string {
	fill := strings.NewReplacer("ALG", s.alg, "KID", s.key.ID())
	return s.sign(fill.Replace(tc.header), tc.payload)
}

func TestVerifier_Verify(t *testing.T) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			s := signers()[name]
			v := verifier(t, config(t, s))
			for _, tc := range tokenCases {
				t.Run(tc.name, func(t *testing.T) {
					compact := tc.sign(s)
					out := token.Claims{Subject: "left over", Permissions: []string{"admin"}}
					err := v.Verify(compact, now, &out)
					if err != tc.want { //nolint:errorlint // sentinels are returned bare, which this checks
						t.Fatalf("got %v, want %v", err, tc.want)
					}
					if err != nil && !cmp.Equal(out, token.Claims{}, cmp.AllowUnexported(token.Claims{})) {
						t.Errorf("claims of a refused token: %+v", out)
					}
					if err == nil && (out.Subject == "left over" || out.Raw() != tc.payload) {
						t.Errorf("claims are %+v", out)
					}
					sameByHalves(t, v, compact, out, err)
				})
			}
		})
	}
}

// sameByHalves holds that bytes, and Prepare and Finish with a host's signature check between, come to the same.
func sameByHalves(t *testing.T, v *token.Verifier, compact string, want token.Claims, wantErr error) {
	t.Helper()
	var out token.Claims
	err := v.VerifyBytes([]byte(compact), now, &out)
	if diff := cmp.Diff(want, out, cmp.AllowUnexported(token.Claims{})); diff != "" || !errors.Is(err, wantErr) {
		t.Errorf("VerifyBytes: %v, -want +got\n%s", err, diff)
	}
	for _, volatile := range []bool{false, true} {
		p := token.Pending{Volatile: volatile}
		err := v.Prepare([]byte(compact), &p)
		if err == nil && hostVerify(p) {
			err = v.Finish(&p, now, &out)
		} else if err == nil {
			err = token.ErrSignature
		}
		if diff := cmp.Diff(want, out, cmp.AllowUnexported(token.Claims{})); diff != "" || !errors.Is(err, wantErr) {
			t.Errorf("by halves: %v, -want +got\n%s", err, diff)
		}
	}
}

// hostVerify verifies what Prepare gave with the standard library alone.
func hostVerify(p token.Pending) bool {
	return primitive(signers()[p.Key.Algorithm()], p.SigningInput, p.Signature)()
}

func TestVerifier_Verify_claims(t *testing.T) {
	s := signers()["EdDSA"]
	v := verifier(t, config(t, s))
	for _, tc := range []struct {
		name, payload string
		want          token.Claims
	}{
		{"all", `{"iss":"https://id.example","sub":"u","aud":["https://api.example","b"],"exp":1800000100,"nbf":1,"iat":1799999990,` +
			`"iat_ms":1799999990123,"jti":"t","sid":"s","client_id":"c","tenant":"o","username":"n","scope":"a b","permissions":["p","q"],` +
			`"nonce":"r","azp":"z","at_hash":"h","auth_time":1799999000,"other":[1]}`, token.Claims{
			Issuer: issuer, Subject: "u", Audience: []string{audience, "b"}, Expiry: 1800000100, NotBefore: 1, IssuedAt: 1799999990,
			IssuedAtMillis: 1799999990123, ID: "t", Session: "s", ClientID: "c", Tenant: "o", Username: "n", Scope: "a b",
			Permissions: []string{"p", "q"}, Nonce: "r", AuthorizedParty: "z", AccessTokenHash: "h", AuthTime: 1799999000,
		}},
		{"few", goodPayload, token.Claims{Issuer: issuer, Audience: []string{audience}, Expiry: 1800000100}},
		{"permissions before aud", `{"permissions":["p"],"exp":1800000100,"aud":"https://api.example","iss":"https://id.example"}`, token.Claims{
			Issuer: issuer, Audience: []string{audience}, Permissions: []string{"p"}, Expiry: 1800000100,
		}},
		{"escapes", `{"iss":"https:\/\/id.example","sub":"\ud83d\ude00\u0000\"","aud":["\u0062","https:\/\/api.example"],"exp":18000001e2,"permissions":["\n","é"]}`, token.Claims{
			Issuer: issuer, Subject: "😀\x00\"", Audience: []string{"b", audience}, Permissions: []string{"\n", "é"}, Expiry: 1800000100,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out token.Claims
			if err := v.Verify(s.sign(s.header(), tc.payload), now, &out); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, out, cmpopts.IgnoreUnexported(token.Claims{})); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if out.Raw() != tc.payload {
				t.Errorf("raw is %s", out.Raw())
			}
		})
	}
}

// TestVerifier_Verify_ownMemory holds that claims do not change with later tokens, and that appending to one list does not
// write into another.
func TestVerifier_Verify_ownMemory(t *testing.T) {
	s := signers()["HS256"]
	v := verifier(t, config(t, s))
	var first, second token.Claims
	doc := withClaims(`"sub":"\u0061lice","permissions":["a","b"]`)
	if err := v.Verify(s.sign(s.header(), doc), now, &first); err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(s.sign(s.header(), strings.NewReplacer("lice", "dmin", `"a"`, `"z"`).Replace(doc)), now, &second); err != nil {
		t.Fatal(err)
	}
	_ = append(first.Audience, "overwritten")
	var third token.Claims
	list := strings.Replace(doc, `"https://api.example"`, `["https://api.example"]`, 1)
	if err := v.Verify(s.sign(s.header(), list), now, &third); err != nil {
		t.Fatal(err)
	}
	if _ = append(third.Audience, "overwritten"); third.Permissions[0] != "a" {
		t.Errorf("third is %+v", third)
	}
	want := token.Claims{Issuer: issuer, Subject: "alice", Audience: []string{audience}, Permissions: []string{"a", "b"}, Expiry: 1800000100}
	if diff := cmp.Diff(want, first, cmpopts.IgnoreUnexported(token.Claims{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if second.Subject != "admin" || second.Permissions[0] != "z" {
		t.Errorf("second is %+v", second)
	}
}

func TestVerifier_keys(t *testing.T) {
	ed, ec, hs := signers()["EdDSA"], signers()["ES256"], signers()["HS256"]
	two := ed
	two.key = mustKey(token.NewEd25519Key("ed2", ed.key.Parameter("x")))
	noKid := `{"alg":"EdDSA","typ":"at+jwt"}`
	onlyEd := config(t, ed, ec)
	onlyEd.Algorithms = []token.Algorithm{token.EdDSA}
	empty := config(t, ed)
	empty.Keys, _ = token.NewKeySet()
	twice := config(t, ed)
	twice.Keys, _ = token.NewKeySet(ed.key, two.key)
	for _, tc := range []struct {
		name    string
		config  token.VerifierConfig
		compact string
		want    error
	}{
		{"one of two", config(t, ed, ec), ec.sign(ec.header(), goodPayload), nil},
		{"other of two", config(t, ed, ec), ed.sign(ed.header(), goodPayload), nil},
		{"no kid, one fits", config(t, ed, ec), ed.sign(noKid, goodPayload), nil},
		{"no kid, two fit", twice, ed.sign(noKid, goodPayload), token.ErrKeyUnknown},
		{"kid, two fit", twice, ed.sign(two.header(), goodPayload), nil},
		{"no kid, none fits", config(t, ec, ed), ed.sign(`{"alg":"ES256","typ":"at+jwt"}`, goodPayload), token.ErrSignature},
		{"no key", empty, ed.sign(ed.header(), goodPayload), token.ErrKeyUnknown},
		{"no key and no kid", empty, ed.sign(noKid, goodPayload), token.ErrKeyUnknown},
		{"alg of the other key", config(t, ed, ec), ed.sign(`{"alg":"EdDSA","typ":"at+jwt","kid":"ec"}`, goodPayload), token.ErrAlgorithm},
		{"key of an alg not configured", onlyEd, ec.sign(ec.header(), goodPayload), token.ErrAlgorithm},
		{"key of an alg not configured, other alg", onlyEd, ec.sign(`{"alg":"EdDSA","typ":"at+jwt","kid":"ec"}`, goodPayload), token.ErrAlgorithm},
		{"public key as a secret", config(t, ed), hs.sign(`{"alg":"HS256","typ":"at+jwt","kid":"ed"}`, goodPayload), token.ErrAlgorithm},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out token.Claims
			if err := verifier(t, tc.config).Verify(tc.compact, now, &out); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func mustKey(k *token.Key, err error) *token.Key {
	fatal(err)
	return k
}

// TestVerifier_header_remembered holds that what a Pending remembers of the last header is not taken for that of another
// token or verifier.
func TestVerifier_header_remembered(t *testing.T) {
	ed := signers()["EdDSA"]
	other := config(t, ed)
	other.Types = []string{"JWT"}
	v, w := verifier(t, config(t, ed)), verifier(t, other)
	good, crit := []byte(ed.sign(ed.header(), goodPayload)), []byte(ed.sign(`{"crit":[],`+ed.header()[1:], goodPayload))
	var p token.Pending
	for range 2 {
		for _, step := range []struct {
			v       *token.Verifier
			compact []byte
			want    error
		}{{v, good, nil}, {v, good, nil}, {w, good, token.ErrType}, {v, crit, token.ErrCrit}, {v, good, nil}, {w, good, token.ErrType}} {
			if err := step.v.Prepare(step.compact, &p); !errors.Is(err, step.want) {
				t.Errorf("got %v, want %v", err, step.want)
			}
			if (p.Key == nil) != (step.want != nil) || (p.Signature == nil) != (step.want != nil) {
				t.Errorf("after %v the key is %v", step.want, p.Key)
			}
		}
	}
}

func TestVerifier_Finish_unprepared(t *testing.T) {
	ed := signers()["EdDSA"]
	v, w := verifier(t, config(t, ed)), verifier(t, config(t, ed))
	good := []byte(ed.sign(ed.header(), goodPayload))
	var p token.Pending
	var out token.Claims
	if err := v.Finish(&p, now, &out); !errors.Is(err, token.ErrMalformed) {
		t.Errorf("never prepared: got %v", err)
	}
	if err := v.Prepare(good, &p); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(&p, now, &out); !errors.Is(err, token.ErrMalformed) {
		t.Errorf("prepared by another: got %v", err)
	}
	if err := v.Prepare([]byte("x"), &p); err == nil {
		t.Fatal("accepted")
	}
	if err := v.Finish(&p, now, &out); !errors.Is(err, token.ErrMalformed) {
		t.Errorf("prepared in vain: got %v", err)
	}
	var zero token.Verifier
	if err := zero.Verify(string(good), now, &out); err == nil {
		t.Error("the zero verifier accepts")
	}
}

func TestVerifier_times(t *testing.T) {
	s := signers()["HS256"]
	compact := s.sign(s.header(), withClaims(`"nbf":1799990000,"iat":1799990000`)) // exp 1800000100
	for _, tc := range []struct {
		name           string
		leeway, maxAge int64
		now            int64
		want           error
	}{
		{"no leeway, last second", 0, 0, 1800000099, nil},
		{"no leeway, expired", 0, 0, 1800000100, token.ErrExpired},
		{"no leeway, first second", 0, 0, 1799990000, nil},
		{"no leeway, too early", 0, 0, 1799989999, token.ErrNotYetValid},
		{"most leeway, last second", 300, 0, 1800000399, nil},
		{"most leeway, expired", 300, 0, 1800000400, token.ErrExpired},
		{"most leeway, too early", 300, 0, 1799989699, token.ErrNotYetValid},
		{"age", 0, 100, 1799990100, nil},
		{"too old", 0, 100, 1799990101, token.ErrTooOld},
		{"too old, with leeway", 60, 100, 1799990161, token.ErrTooOld},
		{"age with leeway", 60, 100, 1799990160, nil},
		{"clock at the start of time", 60, 100, 0, token.ErrNotYetValid},
		{"clock before all time", 60, 100, math.MinInt64, token.ErrNotYetValid},
		{"clock at the end of time", 60, 100, math.MaxInt64, token.ErrExpired},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := config(t, s)
			c.Leeway, c.MaxAge = tc.leeway, tc.maxAge
			var out token.Claims
			if err := verifier(t, c).Verify(compact, tc.now, &out); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	c := config(t, s)
	c.MaxAge = 100
	var out token.Claims
	if err := verifier(t, c).Verify(s.sign(s.header(), goodPayload), now, &out); !errors.Is(err, token.ErrClaimMissing) {
		t.Errorf("MaxAge without iat: got %v", err)
	}
}

func TestVerifier_required(t *testing.T) {
	s := signers()["HS256"]
	c := config(t, s)
	c.AnyAudience, c.Audiences = true, nil
	c.Required = []string{"sub", "permissions", "aud", "iat"}
	v := verifier(t, c)
	all := `"sub":"u","permissions":["p"],"aud":["a"],"iat":1799999999`
	for _, tc := range []struct {
		name, old, new string
		want           error
	}{
		{"all", "", "", nil},
		{"no sub", `"sub"`, `"x"`, token.ErrClaimMissing},
		{"empty sub", `"u"`, `""`, token.ErrClaimMissing},
		{"no permissions", `"permissions"`, `"x"`, token.ErrClaimMissing},
		{"empty permissions", `["p"]`, `[]`, token.ErrClaimMissing},
		{"empty permissions with space", `["p"]`, `[ ]`, token.ErrClaimMissing},
		{"empty aud", `["a"]`, `[]`, token.ErrClaimMissing},
		{"empty text for aud", `["a"]`, `""`, token.ErrClaimMissing},
		{"zero iat", `1799999999`, `0`, token.ErrClaimMissing},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out token.Claims
			doc := `{"iss":"https://id.example","exp":1800000100,` + strings.Replace(all, tc.old, tc.new, 1) + `}`
			if err := v.Verify(s.sign(s.header(), doc), now, &out); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestNewVerifier(t *testing.T) {
	s := signers()["EdDSA"]
	for _, tc := range []struct {
		name   string
		change func(*token.VerifierConfig)
		want   []error
	}{
		{"good", func(*token.VerifierConfig) {}, nil},
		{"nothing", func(c *token.VerifierConfig) { *c = token.VerifierConfig{} }, []error{
			token.ErrConfigIssuer, token.ErrConfigAudience, token.ErrConfigType, token.ErrConfigKeys, token.ErrConfigAlgorithms,
		}},
		{"no audience", func(c *token.VerifierConfig) { c.Audiences = nil }, []error{token.ErrConfigAudience}},
		{"empty audience", func(c *token.VerifierConfig) { c.Audiences = []string{"a", ""} }, []error{token.ErrConfigAudience}},
		{"any audience and one", func(c *token.VerifierConfig) { c.AnyAudience = true }, []error{token.ErrConfigAudience}},
		{"any audience", func(c *token.VerifierConfig) { c.AnyAudience, c.Audiences = true, nil }, nil},
		{"leeway below 0", func(c *token.VerifierConfig) { c.Leeway = -1 }, []error{token.ErrConfigRange}},
		{"leeway above 300", func(c *token.VerifierConfig) { c.Leeway = 301 }, []error{token.ErrConfigRange}},
		{"age below 0", func(c *token.VerifierConfig) { c.MaxAge = -1 }, []error{token.ErrConfigRange}},
		{"age without end", func(c *token.VerifierConfig) { c.MaxAge = math.MaxInt64 }, []error{token.ErrConfigRange}},
		{"length below 0", func(c *token.VerifierConfig) { c.MaxLength = -1 }, []error{token.ErrConfigRange}},
		{"length above 64 MiB", func(c *token.VerifierConfig) { c.MaxLength = 64<<20 + 1 }, []error{token.ErrConfigRange}},
		{"alg nil", func(c *token.VerifierConfig) { c.Algorithms = []token.Algorithm{nil} }, []error{token.ErrConfigAlgorithms}},
		{"alg none", func(c *token.VerifierConfig) { c.Algorithms = []token.Algorithm{token.Delegated("none")} }, []error{token.ErrConfigAlgorithms}},
		{"alg twice", func(c *token.VerifierConfig) {
			c.Algorithms = []token.Algorithm{token.EdDSA, token.Delegated("EdDSA")}
		}, []error{token.ErrConfigAlgorithms}},
		{"unknown claim required", func(c *token.VerifierConfig) { c.Required = []string{"email"} }, []error{token.ErrConfigRequired}},
		{"unhappy algorithm", func(c *token.VerifierConfig) { c.Algorithms = []token.Algorithm{unhappy{}} }, []error{errUnhappy}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := config(t, s)
			tc.change(&c)
			v, err := token.NewVerifier(c)
			if (err == nil) != (tc.want == nil) || (v == nil) != (err != nil) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			for _, want := range tc.want {
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			}
		})
	}
}

var errUnhappy = errors.New("unhappy")

type unhappy struct{}

func (unhappy) Name() string                                  { return "EdDSA" }
func (unhappy) Primitive(*token.Key) (token.Primitive, error) { return nil, errUnhappy }

func TestNewVerifier_copies(t *testing.T) {
	s := signers()["EdDSA"]
	c := config(t, s)
	v := verifier(t, c)
	c.Audiences[0], c.Types[0] = "x", "x"
	var out token.Claims
	if err := v.Verify(s.sign(s.header(), goodPayload), now, &out); err != nil {
		t.Errorf("changed with its configuration: %v", err)
	}
}

func TestVerifier_types(t *testing.T) {
	s := signers()["EdDSA"]
	for _, tc := range []struct {
		types  []string
		header string
		want   error
	}{
		{[]string{""}, `{"alg":"EdDSA"}`, nil},
		{[]string{""}, `{"alg":"EdDSA","typ":""}`, token.ErrType},
		{[]string{""}, `{"alg":"EdDSA","typ":"JWT"}`, token.ErrType},
		{[]string{"JWT", ""}, `{"alg":"EdDSA","typ":"jwt"}`, nil},
		{[]string{"JWT", ""}, `{"alg":"EdDSA"}`, nil},
		{[]string{"application/at+jwt"}, `{"alg":"EdDSA","typ":"at+jwt"}`, nil},
		{[]string{"text/x"}, `{"alg":"EdDSA","typ":"x"}`, token.ErrType},
		{[]string{"text/x"}, `{"alg":"EdDSA","typ":"TEXT/X"}`, nil},
		{[]string{"text/x"}, `{"alg":"EdDSA","typ":"application/text/x"}`, token.ErrType},
	} {
		c := config(t, s)
		c.Types = tc.types
		var out token.Claims
		if err := verifier(t, c).Verify(s.sign(tc.header, goodPayload), now, &out); !errors.Is(err, tc.want) {
			t.Errorf("%q %s: got %v, want %v", tc.types, tc.header, err, tc.want)
		}
	}
}

// TestES256_twin shows that an ECDSA token has a second good signature: tokens are not told apart by their text.
func TestES256_twin(t *testing.T) {
	s := signers()["ES256"]
	compact := s.sign(s.header(), goodPayload)
	dot := strings.LastIndexByte(compact, '.')
	r, v := integers(s.signature(compact[:dot]))
	v.Sub(s.priv.(*ecdsa.PrivateKey).Params().N, v)
	twin := compact[:dot+1] + b64(string(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...)))
	var out token.Claims
	if err := verifier(t, config(t, s)).Verify(twin, now, &out); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestVerifier_Open(t *testing.T) {
	s := signers()["EdDSA"]
	c := config(t, s)
	c.Types, c.MaxLength = []string{"own"}, 1<<20
	v := verifier(t, c)
	header := `{"alg":"EdDSA","typ":"own","kid":"ed"}`
	for _, doc := range []string{"", "no JSON", strings.Repeat("long ", 100_000)} {
		got, err := v.Open([]byte(s.sign(header, doc)))
		if err != nil || string(got) != doc {
			t.Errorf("got %d bytes and %v, want %d", len(got), err, len(doc))
		}
	}
	good := s.sign(header, "x")
	for compact, want := range map[string]error{
		good[:len(good)-4] + "AAAA": token.ErrSignature,
		s.sign(s.header(), "x"):     token.ErrType,
		"x":                         token.ErrMalformed,
		s.sign(header, strings.Repeat("x", 1<<20)): token.ErrTooLong,
	} {
		if got, err := v.Open([]byte(compact)); !errors.Is(err, want) || got != nil {
			t.Errorf("got %q and %v, want %v", got, err, want)
		}
	}
}

func TestDelegated(t *testing.T) {
	s := signers()["ES256"]
	c := config(t, s)
	c.Algorithms = []token.Algorithm{token.Delegated("ES256")}
	v := verifier(t, c)
	compact := s.sign(s.header(), goodPayload)
	var out token.Claims
	if err := v.Verify(compact, now, &out); !errors.Is(err, token.ErrSignature) {
		t.Errorf("Verify: got %v", err)
	}
	if _, err := v.Open([]byte(compact)); !errors.Is(err, token.ErrSignature) {
		t.Errorf("Open: got %v", err)
	}
	var p token.Pending
	if err := v.Prepare([]byte(compact), &p); err != nil || !hostVerify(p) {
		t.Fatalf("Prepare: got %v", err)
	}
	if err := v.Finish(&p, now, &out); err != nil {
		t.Errorf("Finish: got %v", err)
	}
}

func TestVerifier_concurrent(t *testing.T) {
	list := []signer{signers()["EdDSA"], signers()["ES256"], signers()["RS256"]}
	v := verifier(t, config(t, list...))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := list[i%len(list)]
			subject := fmt.Sprintf("user %d", i)
			good := s.sign(s.header(), withClaims(fmt.Sprintf(`"sub":%q,"permissions":["p%d"]`, subject, i)))
			var out token.Claims
			for range 100 {
				if err := v.Verify(good, now, &out); err != nil || out.Subject != subject || out.Permissions[0] != fmt.Sprint("p", i) {
					t.Errorf("got %+v, %v", out, err)
				}
				if err := v.Verify(good[:len(good)-8]+"AAAAAAAA", now, &out); !errors.Is(err, token.ErrSignature) {
					t.Errorf("got %v", err)
				}
			}
		}()
	}
	wg.Wait()
}

func TestClaims_Lookup(t *testing.T) {
	s := signers()["HS256"]
	var out token.Claims
	if _, ok := out.Lookup("x"); ok || out.Raw() != "" {
		t.Error("no claims have members")
	}
	err := verifier(t, config(t, s)).Verify(s.sign(s.header(), withClaims(`"address":{"x":1,"country":"NZ"},"\u0078":true`)), now, &out)
	if err != nil {
		t.Fatal(err)
	}
	address, ok := out.Lookup("address")
	country, _ := address.Member("country")
	if text, isText := country.Text(); !ok || !isText || text != "NZ" {
		t.Errorf("address is %s", address.Raw())
	}
	x, ok := out.Lookup("x")
	if b, isBool := x.Bool(); !ok || !isBool || !b {
		t.Errorf("x is %s", x.Raw())
	}
	if _, ok := out.Lookup("country"); ok {
		t.Error("a member further in is found")
	}
}
