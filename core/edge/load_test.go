package edge_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

func TestNew_refuses(t *testing.T) {
	secret, err := token.NewHMACKey("k", "HS256", []byte(strings.Repeat("s", 32)))
	if err != nil {
		t.Fatal(err)
	}
	key := newEC(t).key
	tests := []struct {
		name   string
		config edge.Config
	}{
		{"no algorithms", edge.Config{Trust: keySet(t, key)}},
		{"no keys", edge.Config{Trust: keySet(t), Algorithms: algorithms}},
		{"secrets, which whoever reads bundles could sign with", edge.Config{Trust: keySet(t, secret), Algorithms: algorithms}},
		{"stale for less than nothing", edge.Config{Trust: keySet(t, key), Algorithms: algorithms, StaleFor: -1}},
		{"stale for ever", edge.Config{Trust: keySet(t, key), Algorithms: algorithms, StaleFor: edge.MaxLife + 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if v, err := edge.New(test.config); !errors.Is(err, edge.ErrConfig) || v != nil {
				t.Errorf("got %v, %v", v, err)
			}
		})
	}
}

// What is refused leaves what is held as it was.
func TestVerifier_Load_refuses(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) { loadRefuses(t, loaded(t, way)) })
	}
}

func loadRefuses(t *testing.T, f *fixture) {
	t.Helper()
	good := f.publisher.bundle(t, f.next(t))
	held := f.number - 10
	stranger := newEC(t)
	payload := func(change func(*edge.Bundle)) string {
		b := f.next(t)
		change(b)
		text, err := b.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	signed := func(text string) []byte { return []byte(f.publisher.compact(map[string]any{"typ": edge.Type}, text)) }
	plain := payload(func(*edge.Bundle) {})
	other := newMarks(t, token.Mark{Kind: token.MarkSession, Value: "x"})
	tests := []struct {
		name    string
		compact []byte
		want    error
	}{
		{"nothing", nil, token.ErrMalformed},
		{"another key's", []byte(stranger.compact(map[string]any{"typ": edge.Type}, plain)), token.ErrKeyUnknown},
		{"another key's under this one's name", []byte(stranger.compact(map[string]any{"typ": edge.Type, "kid": f.publisher.key.ID()}, plain)), token.ErrSignature},
		{"a token key's", []byte(f.own.compact(map[string]any{"typ": edge.Type}, plain)), token.ErrAlgorithm},
		{"unsigned", []byte(f.publisher.compact(map[string]any{"typ": edge.Type, "alg": "none"}, plain)), token.ErrAlgorithm},
		{"an access token", []byte(f.publisher.compact(map[string]any{"typ": token.TypeAccess}, plain)), token.ErrType},
		{"without a type", []byte(f.publisher.compact(map[string]any{}, plain)), token.ErrType},
		{"cut", good[:len(good)-1], token.ErrMalformed},
		{"changed", append(append([]byte{}, good[:len(good)-10]...), "AAAAAAAAAA"...), token.ErrSignature},
		{"too long", []byte(strings.Repeat("a", edge.MaxBundle+1)), token.ErrTooLong},
		{"no JSON", signed("hello"), edge.ErrBundle},
		{"an unknown member", signed(strings.Replace(plain, `{"iss"`, `{"extra":1,"iss"`, 1)), edge.ErrBundle},
		{"a member twice", signed(strings.Replace(plain, `{"iss"`, `{"number":1,"iss"`, 1)), edge.ErrBundle},
		{"the number held", signed(payload(func(b *edge.Bundle) { b.Number = held })), edge.ErrOld},
		{"a lower number", signed(payload(func(b *edge.Bundle) { b.Number = held - 1 })), edge.ErrOld},
		{"no number", signed(`{"iss":"https://id.example","iat":1800000000,"exp":1800000060}`), edge.ErrBundle},
		{"no issue time", signed(`{"iss":"https://id.example","number":1000000,"exp":1800000060}`), edge.ErrBundle},
		{"another issuer", signed(payload(func(b *edge.Bundle) { b.Issuer = "https://other.example" })), edge.ErrIssuer},
		{"from the future", signed(payload(func(b *edge.Bundle) { b.IssuedAt += 301; b.Expires += 301 })), edge.ErrEarly},
		{"over", signed(payload(func(b *edge.Bundle) { b.IssuedAt -= 10; b.Expires = start })), edge.ErrPassed},
		{"a policy with a rule that is never reached", signed(payload(func(b *edge.Bundle) {
			b.Rules = []access.Rule{{Path: "/**"}, {Path: "/a"}}
		})), edge.ErrPolicy},
		{"a weak key", signed(strings.Replace(plain, `"keys":{"keys":[`, `"keys":{"keys":[{"kty":"oct","k":"AA","alg":"HS256"},`, 1)), token.ErrKeyWeak},
		{"a delta to a later bundle", signed(payload(func(b *edge.Bundle) {
			*b = edge.Bundle{Issuer: issuer, Number: b.Number, Base: held + 1, IssuedAt: start, Expires: start + 60, Marks: other}
		})), edge.ErrBase},
		{"a delta with a policy", signed(strings.Replace(plain, `"iat"`, `"base":1,"iat"`, 1)), edge.ErrBundle},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := f.Load(test.compact, now); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if number, _ := f.Held(); number != held {
				t.Fatalf("holds %d", number)
			}
		})
	}
	if err := f.Load(good, now); err != nil {
		t.Error(err)
	}
}

func TestVerifier_Load_secrets(t *testing.T) {
	f := newFixture(t)
	const secret = `{"keys":[{"kty":"oct","alg":"HS256","kid":"k","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U"}]}`
	compact := f.publisher.compact(map[string]any{"typ": edge.Type}, `{"iss":"https://id.example","number":1,"iat":1800000000,"exp":1800000060,"keys":`+secret+`}`)
	if err := f.Load([]byte(compact), now); !errors.Is(err, edge.ErrBundle) {
		t.Errorf("a bundle that everybody may read has a secret: %v", err)
	}
}

func TestVerifier_Load_delta(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) { loadDeltas(t, loaded(t, way)) })
	}
}

func loadDeltas(t *testing.T, f *fixture) {
	t.Helper()
	sid := func(name string) *edge.Request {
		return bearer("GET", "/orders/1", f.own.token(map[string]any{"sid": name}))
	}
	want := func(r *edge.Request, code string) {
		t.Helper()
		var out edge.Verdict
		if f.Decide(r, now, &out); out.Code != code {
			t.Errorf("got %s, want %s", out.Code, code)
		}
	}
	want(sid("a"), "allowed")
	want(sid("b"), "allowed")
	first := f.delta(t, token.Mark{Kind: token.MarkSession, Value: "a"})
	second := f.delta(t, token.Mark{Kind: token.MarkSession, Value: "b"})
	if err := f.Load(f.publisher.bundle(t, second), now); !errors.Is(err, edge.ErrBase) {
		t.Errorf("a delta was left out: %v", err)
	}
	f.load(t, first)
	want(sid("a"), "token_revoked")
	want(sid("b"), "allowed")
	f.load(t, second)
	want(sid("a"), "token_revoked")
	want(sid("b"), "token_revoked")
	if number, expires := f.Held(); number != f.number || expires != start+3600 {
		t.Errorf("holds %d until %d", number, expires)
	}
	again := f.delta(t, token.Mark{Kind: token.MarkSession, Value: "c"})
	again.Base = 1 // of a server that keeps few
	f.load(t, again)
	want(sid("c"), "token_revoked")
	f.load(t, f.next(t)) // a whole one has none of them
	want(sid("a"), "allowed")
}

// A delta that is refused adds nothing, not even the marks that could have been added.
func TestVerifier_Load_deltaSeed(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, way)
			b := f.next(t)
			b.Marks = newMarks(t, token.Mark{Kind: token.MarkSession, Value: "a"})
			f.load(t, b)
			d := f.delta(t)
			marks, err := edge.NewMarks(edge.Seed{9}, []token.Mark{{Kind: token.MarkSession, Value: "b"}, {Kind: token.MarkAll, Before: now}})
			if err != nil {
				t.Fatal(err)
			}
			d.Marks = marks
			if err := f.Load(f.publisher.bundle(t, d), now); !errors.Is(err, edge.ErrSeed) {
				t.Errorf("got %v", err)
			}
			for sid, want := range map[string]string{"a": "token_revoked", "b": "allowed", "c": "allowed"} {
				var out edge.Verdict
				if f.Decide(bearer("GET", "/orders/1", f.own.token(map[string]any{"sid": sid})), now, &out); out.Code != want {
					t.Errorf("%s: %s, want %s", sid, out.Code, want)
				}
			}
			if number, _ := f.Held(); number != b.Number {
				t.Errorf("holds %d", number)
			}
		})
	}
}

// What the verifier says without a bundle, and past its end.
func TestVerifier_closed(t *testing.T) {
	f := newFixture(t)
	compact := f.own.token(map[string]any{"exp": start + 90_000})
	tests := []struct {
		name string
		at   int64 // Unix seconds
		want string
	}{
		{"in the last second", start + 3599, "allowed"},
		{"at the end", start + 3600, "bundle_expired"},
		{"a day later", start + 86400, "bundle_expired"},
	}
	for _, path := range []string{"/orders/1", "/assets/x", "/unruled", "//"} {
		var out edge.Verdict
		f.Decide(bearer("GET", path, compact), now, &out)
		if out.Status != 503 || out.Code != "bundle_missing" || out.Principal.SignedIn() {
			t.Errorf("%s without a bundle: %d %s", path, out.Status, out.Code)
		}
	}
	f.load(t, f.next(t))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/orders/1", "/assets/x"} {
				var out edge.Verdict
				f.Decide(bearer("GET", path, compact), test.at*1000, &out)
				if out.Code != test.want || out.Allowed() != (test.want == "allowed") || !out.Allowed() && out.Status != 503 {
					t.Errorf("%s: %d %s", path, out.Status, out.Code)
				}
			}
		})
	}
}

func TestVerifier_stale(t *testing.T) {
	f := newFixture(t, func(c *edge.Config) { c.StaleFor = 100 })
	f.load(t, f.next(t))
	for at, want := range map[int64]string{start + 3600: "allowed", start + 3699: "allowed", start + 3700: "bundle_expired"} {
		var out edge.Verdict
		if f.Decide(&edge.Request{Method: "GET", Path: "/assets/x"}, at*1000, &out); out.Code != want {
			t.Errorf("%d s past the end: %s, want %s", at-start-3600, out.Code, want)
		}
	}
}

func TestVerifier_Configure(t *testing.T) {
	v, err := edge.New(edge.Config{Algorithms: algorithms})
	if err != nil {
		t.Fatal(err)
	}
	own := newEd(t)
	if err := v.Load([]byte("x"), now); !errors.Is(err, edge.ErrConfig) {
		t.Errorf("a bundle that nobody can have signed: %v", err)
	}
	if err := v.Configure(&edge.Bundle{Issuer: issuer, Audiences: []string{audience}, Types: []string{"", "JWT"}, Keys: keySet(t, own.key)}); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, compact, want string }{
		{"good", own.compact(map[string]any{}, claims(nil)), "allowed"},
		{"another type", own.token(nil), "token_type"},
		{"another audience", own.compact(map[string]any{}, claims(map[string]any{"aud": "x"})), "token_audience"},
		{"no end", own.compact(map[string]any{}, claims(map[string]any{"exp": nil})), "token_claim_missing"},
		{"garbage", "x", "token_malformed"},
		{"empty", "", "token_malformed"},
		{"an injected header", "x\r\nCookie: a", "token_malformed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out edge.Verdict
			if v.Verify(test.compact, now, &out); out.Code != test.want {
				t.Errorf("got %s, want %s", out.Code, test.want)
			}
		})
	}
	if err := v.Configure(&edge.Bundle{Issuer: issuer, Number: 1, Base: 7, IssuedAt: 9, Expires: 8, Keys: keySet(t, own.key)}); err != nil {
		t.Errorf("numbers that are not looked at: %v", err)
	}
	if number, expires := v.Held(); number != 0 || expires != 0 {
		t.Errorf("holds %d until %d", number, expires)
	}
	if err := v.Configure(&edge.Bundle{Keys: keySet(t, own.key)}); !errors.Is(err, edge.ErrBundle) {
		t.Errorf("without an issuer: %v", err)
	}
}

func TestBundle_AppendJSON(t *testing.T) {
	f := newFixture(t)
	full := f.next(t)
	full.Marks = newMarks(t, token.Mark{Kind: token.MarkUser, Value: "u", Before: now}, token.Mark{Kind: token.MarkToken, Value: "j"})
	full.Types, full.APITokens = []string{"at+jwt", "JWT"}, true
	full.Holders = []edge.Holder{
		{Hash: [16]byte{1}, Subject: "u1", Name: "ada", Tenant: "acme", Permissions: []string{"a", "b"}, Token: "t1", Expires: now},
		{Hash: [16]byte{1, 1}, Subject: "u2"},
	}
	for name, b := range map[string]*edge.Bundle{"full": full, "small": {Issuer: "i", Number: 1, IssuedAt: 1, Expires: 2}, "delta": f.delta(t)} {
		t.Run(name, func(t *testing.T) {
			text, err := b.AppendJSON([]byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			back, err := edge.ParseBundle(string(text[1:]))
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			again, err := back.AppendJSON([]byte("x"))
			if diff := cmp.Diff(string(text), string(again)); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestParseBundle_refuses(t *testing.T) {
	const head = `{"iss":"i","number":5,"iat":100,"exp":200`
	list := func(n int, of string) string { return strings.TrimSuffix(strings.Repeat(of+",", n), ",") }
	const holder = `{"hash":"AAAAAAAAAAAAAAAAAAAAAA","sub":"u"}`
	tests := []struct {
		name, text string
		want       error
	}{
		{"good", head + `}`, nil},
		{"no object", `[]`, edge.ErrBundle},
		{"nothing", ``, edge.ErrBundle},
		{"more", head + `}{}`, edge.ErrBundle},
		{"no issuer", `{"number":5,"iat":100,"exp":200}`, edge.ErrBundle},
		{"an empty issuer", `{"iss":"","number":5,"iat":100,"exp":200}`, edge.ErrBundle},
		{"an issuer that is too long", `{"iss":"` + strings.Repeat("i", 2049) + `"}`, edge.ErrBundle},
		{"a number of zero", `{"iss":"i","number":0}`, edge.ErrBundle},
		{"a negative number", `{"iss":"i","number":-1}`, edge.ErrBundle},
		{"half a number", `{"iss":"i","number":1.5}`, edge.ErrBundle},
		{"a number as text", `{"iss":"i","number":"5"}`, edge.ErrBundle},
		{"a number that is too great", `{"iss":"i","number":9007199254740992}`, edge.ErrBundle},
		{"a base that is not before", `{"iss":"i","number":5,"base":5,"iat":100,"exp":200}`, edge.ErrBundle},
		{"an end before its issue", `{"iss":"i","number":5,"iat":100,"exp":99}`, edge.ErrBundle},
		{"the longest life", `{"iss":"i","number":5,"iat":100,"exp":2678500}`, nil},
		{"too long a life", `{"iss":"i","number":5,"iat":100,"exp":2678501}`, edge.ErrBundle},
		{"a leeway of hours", head + `,"leeway":301}`, edge.ErrBundle},
		{"an audience that is no list", head + `,"aud":"a"}`, edge.ErrBundle},
		{"an empty list", head + `,"aud":[]}`, edge.ErrBundle},
		{"as many as there may be", head + `,"aud":[` + list(256, `"a"`) + `]}`, nil},
		{"too many", head + `,"aud":[` + list(257, `"a"`) + `]}`, edge.ErrBundle},
		{"one that is too long", head + `,"aud":["` + strings.Repeat("a", 2049) + `"]}`, edge.ErrBundle},
		{"a number in a list", head + `,"required":[1]}`, edge.ErrBundle},
		{"a policy that is no list", head + `,"policy":{}}`, edge.ErrPolicy},
		{"an empty policy", head + `,"policy":[]}`, edge.ErrPolicy},
		{"a rule without a path", head + `,"policy":[{"access":"public"}]}`, nil}, // New's to find
		{"a rule without a demand", head + `,"policy":[{"path":"/"}]}`, edge.ErrPolicy},
		{"a demand that is none", head + `,"policy":[{"path":"/","access":"all"}]}`, edge.ErrPolicy},
		{"a kind that is none", head + `,"policy":[{"path":"/","access":"token","only":"anonymous"}]}`, edge.ErrPolicy},
		{"an unknown member of a rule", head + `,"policy":[{"path":"/","access":"token","if":1}]}`, edge.ErrPolicy},
		{"an unknown member of the site", head + `,"site":{"cookie":"a"}}`, edge.ErrBundle},
		{"marks of another form", head + `,"marks":[]}`, edge.ErrMarks},
		{"a private key", head + `,"keys":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}}`, token.ErrKeyPrivate},
		{"API tokens that are not", head + `,"api_tokens":false}`, edge.ErrBundle},
		{"a holder", head + `,"holders":[` + holder + `]}`, nil},
		{"a holder twice", head + `,"holders":[` + holder + `,` + holder + `]}`, edge.ErrBundle},
		{"a holder with half a hash", head + `,"holders":[{"hash":"AAAAAAAAAAA","sub":"u"}]}`, edge.ErrBundle},
		{"a holder who is nobody", head + `,"holders":[{"hash":"AAAAAAAAAAAAAAAAAAAAAA"}]}`, edge.ErrBundle},
		{"a delta with an audience", `{"iss":"i","number":5,"base":4,"iat":100,"exp":200,"aud":["a"]}`, edge.ErrBundle},
		{"a delta with holders", `{"iss":"i","number":5,"base":4,"iat":100,"exp":200,"holders":[` + holder + `]}`, edge.ErrBundle},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, err := edge.ParseBundle(test.text)
			if !errors.Is(err, test.want) || (b == nil) != (test.want != nil) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// Decisions go on while bundles are loaded, and none is by half of one.
func TestVerifier_parallel(t *testing.T) {
	f := loaded(t)
	compact := f.own.token(nil)
	var deltas [][]byte
	for i := range 50 {
		mark := token.Mark{Kind: token.MarkSession, Value: "other" + string(rune('a'+i))}
		deltas = append(deltas, f.publisher.bundle(t, f.delta(t, mark)))
	}
	deltas = append(deltas, f.publisher.bundle(t, f.delta(t, token.Mark{Kind: token.MarkSession, Value: "s1"})))
	var wait sync.WaitGroup
	for range 4 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			revoked := false
			for range 500 {
				var out edge.Verdict
				f.Decide(bearer("GET", "/orders/1", compact), now, &out)
				switch {
				case out.Code == "token_revoked":
					revoked = true
				case !out.Allowed() || revoked || out.Principal.Subject != "u1":
					t.Errorf("%s for %q after revoked=%t", out.Code, out.Principal.Subject, revoked)
					return
				}
			}
		}()
	}
	for _, d := range deltas {
		if err := f.Load(d, now); err != nil {
			t.Error(err)
		}
	}
	wait.Wait()
	var out edge.Verdict
	if f.Decide(bearer("GET", "/orders/1", compact), now, &out); out.Code != "token_revoked" {
		t.Errorf("got %s", out.Code)
	}
}
