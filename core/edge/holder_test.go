package edge_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

// apiToken returns the API token whose random digits end so.
func apiToken(digits string) string {
	text := token.APITokenPrefix + strings.Repeat("0", 43-len(digits)) + digits
	check := token.OpaqueChecksum(text)
	return text + string(check[:])
}

func sortHolders(list []edge.Holder) []edge.Holder {
	slices.SortFunc(list, func(a, b edge.Holder) int { return slices.Compare(a.Hash[:], b.Hash[:]) })
	return list
}

// script is the holder of an API token.
func script(digits string, change func(*edge.Holder)) edge.Holder {
	h := edge.Holder{
		Hash: edge.HashAPIToken(apiToken(digits)), Subject: "u1", Name: "ada", Tenant: "acme", Permissions: []string{"orders:read"}, Token: "t" + digits,
	}
	if change != nil {
		change(&h)
	}
	return h
}

func TestVerifier_Decide_API_tokens(t *testing.T) {
	f := newFixture(t)
	b := f.next(t)
	b.APITokens = true
	b.Holders = sortHolders([]edge.Holder{
		script("1", nil),
		script("2", func(h *edge.Holder) { h.Expires = now + 1 }),
		script("3", func(h *edge.Holder) { h.Expires = now }),
		script("4", func(h *edge.Holder) { h.BannedUntil = now + 1 }),
		script("5", func(h *edge.Holder) { h.BannedUntil = now }),
		script("6", func(h *edge.Holder) { h.BannedUntil = edge.BannedForever }),
		script("7", func(h *edge.Holder) { h.Permissions = nil }),
		script("8", func(h *edge.Holder) { h.Token = "" }), // somebody made a subject of an API token's hash
	})
	f.load(t, b)
	good := apiToken("1")
	tests := []struct {
		name, path, text string
		status           int
		code             string
	}{
		{"good", "/orders/1", good, 200, "allowed"},
		{"expires soon", "/orders/1", apiToken("2"), 200, "allowed"},
		{"expires now", "/orders/1", apiToken("3"), 401, "token_unknown"},
		{"of who is banned", "/orders/1", apiToken("4"), 401, "token_unknown"},
		{"of whose ban has lapsed", "/orders/1", apiToken("5"), 200, "allowed"},
		{"of who is banned for ever", "/orders/1", apiToken("6"), 401, "token_unknown"},
		{"that may nothing", "/orders/1", apiToken("7"), 403, "forbidden"},
		{"that may nothing, where nothing is asked", "/write", apiToken("7"), 200, "allowed"},
		{"a subject's hash", "/orders/1", apiToken("8"), 401, "token_unknown"},
		{"that nobody has", "/orders/1", apiToken("9"), 401, "token_unknown"},
		{"that nobody has, on a public route", "/assets/a", apiToken("9"), 200, "allowed"},
		{"where a session is demanded", "/me", good, 403, "session_required"},
		{"where a machine is demanded", "/jobs/1", good, 403, "machine_required"},
		{"with a typo", "/orders/1", good[:len(good)-1] + "~", 401, "token_form"},
		{"cut", "/orders/1", good[:len(good)-1], 401, "token_form"},
		{"the prefix", "/orders/1", "hxw_", 401, "token_form"},
		{"in another case", "/orders/1", "HXW_" + good[4:], 401, "token_malformed"},
		{"a client's secret", "/orders/1", "hxc_" + good[4:], 401, "token_malformed"},
		{"very long", "/orders/1", "hxw_" + strings.Repeat("0", 1<<20), 401, "token_form"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var v edge.Verdict
			f.Decide(bearer("GET", test.path, test.text), now, &v)
			if v.Status != test.status || v.Code != test.code {
				t.Errorf("%d %s, want %d %s", v.Status, v.Code, test.status, test.code)
			}
			if (v.Status == 401) != (v.Challenge == `Bearer error="invalid_token"`) || v.Claims.Raw() != "" {
				t.Errorf("challenge %q, claims %q", v.Challenge, v.Claims.Raw())
			}
		})
	}
	var v edge.Verdict
	f.Decide(bearer("GET", "/orders/1", apiToken("2")), now, &v)
	if diff := cmp.Diff(access.Principal{
		Kind: access.User, Via: access.APIToken, Subject: "u1", Name: "ada", Tenant: "acme", Permissions: []string{"orders:read"}, Token: "t2", Expires: now + 1,
	}, v.Principal); diff != "" {
		t.Error(diff)
	}
	r := bearer("GET", "/orders/1", good)
	if n := testing.AllocsPerRun(100, func() { f.Decide(r, now, &v) }); n != 0 {
		t.Errorf("%v allocations", n)
	}

	// A bundle that says that it has them all, and has none.
	b = f.next(t)
	b.APITokens = true
	f.load(t, b)
	if f.Decide(r, now, &v); v.Code != "token_unknown" {
		t.Errorf("without any: %s", v.Code)
	}
}

func TestHolders_round_trip(t *testing.T) {
	f := newFixture(t)
	b := f.next(t)
	b.APITokens = true
	b.Holders = sortHolders([]edge.Holder{
		script("1", func(h *edge.Holder) { h.Expires, h.BannedUntil = 7, edge.BannedForever }),
		script("2", func(h *edge.Holder) { *h = edge.Holder{Hash: h.Hash, Subject: "u\"2"} }),
		{Hash: edge.HashSubject("https://a.example", "alice"), Subject: "u3", Name: "日本", Tenant: "t", Permissions: []string{"a", "b"}},
	})
	text, err := b.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := edge.ParseBundle(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.Holders, got.Holders); diff != "" {
		t.Error(diff)
	}
}

// No two pairs of issuer and subject are the same text, and none is an API token's.
func TestHashSubject(t *testing.T) {
	pairs := [][2]string{
		{"https://a.example", "alice"},
		{"https://a.example/", "alice"},
		{"https://a.examplea", "lice"},
		{"https://a.exampl", "ealice"},
		{"", "https://a.examplealice"},
		{"https://a.examplealice", ""},
		{"https://a.example", "Alice"},
		{"alice", "https://a.example"},
		{"", apiToken("1")},
		{apiToken("1"), ""},
	}
	seen := map[[16]byte][2]string{edge.HashAPIToken(apiToken("1")): {"an API token"}}
	for _, pair := range pairs {
		h := edge.HashSubject(pair[0], pair[1])
		if other, there := seen[h]; there {
			t.Errorf("%q and %q", pair, other)
		}
		seen[h] = pair
	}
}

// manyHolders is a bundle with as many holders as one holds, with ids and names of usual length.
func manyHolders(t testing.TB, f *fixture, holders int) *edge.Bundle {
	t.Helper()
	b := f.next(t)
	b.APITokens = true
	for n := range holders {
		digits := strconv.Itoa(n)
		b.Holders = append(b.Holders, edge.Holder{
			Hash: edge.HashAPIToken(apiToken(digits)), Subject: "0190aaaa-0000-7000-8000-" + strings.Repeat("0", 12-len(digits)) + digits, Name: "user" + digits,
			Tenant: "default", Token: "0190bbbb-0000-7000-8000-" + strings.Repeat("0", 12-len(digits)) + digits,
		})
	}
	sortHolders(b.Holders)
	return b
}

// As many holders as there may be fit into a bundle, as long as what is said of them is short: ids, a name of usual length, a tenant.
func TestBundle_holders_fit(t *testing.T) {
	f := newFixture(t)
	signed := f.publisher.bundle(t, manyHolders(t, f, edge.MaxHolders))
	t.Logf("%d holders take %d bytes, signed", edge.MaxHolders, len(signed))
	if len(signed) > edge.MaxBundle {
		t.Errorf("%d bytes", len(signed))
	}
	if err := f.Load(signed, now); err != nil {
		t.Fatal(err)
	}
	var v edge.Verdict
	for _, n := range []int{0, 1, 4711, edge.MaxHolders - 1} {
		if f.Decide(bearer("POST", "/write", apiToken(strconv.Itoa(n))), now, &v); v.Principal.Name != "user"+strconv.Itoa(n) {
			t.Errorf("%d: %s of %q", n, v.Code, v.Principal.Name)
		}
	}
	if f.Decide(bearer("GET", "/orders/1", apiToken("99999")), now, &v); v.Code != "token_unknown" {
		t.Errorf("got %s", v.Code)
	}
}

func BenchmarkVerifier_Decide_APIToken(b *testing.B) {
	f := newFixture(b)
	f.load(b, manyHolders(b, f, edge.MaxHolders))
	r := bearer("GET", "/orders/1", apiToken("4711"))
	var v edge.Verdict
	b.ReportAllocs()
	for b.Loop() {
		f.Decide(r, now, &v)
	}
}

func BenchmarkVerifier_Load_holders(b *testing.B) {
	f := newFixture(b)
	payload, err := manyHolders(b, f, edge.MaxHolders).AppendJSON(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if _, err := edge.ParseBundle(string(payload)); err != nil {
			b.Fatal(err)
		}
	}
}
