package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"github.com/hexward/hexward/adapters/memory"
	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/ports"
)

const bundlePath = "/.well-known/hexward-bundle"

// bundle asks for the bundle as a worker does: without cookies.
func (f *fixture) bundle(query string, header ...string) answer {
	f.Helper()
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return f.send("GET", bundlePath+query, nil, h)
}

// kick revokes what somebody holds, at a moment of its own.
func (f *fixture) kick(id string) {
	f.Helper()
	operator := access.Operator("test")
	if err := f.service.Kick(context.Background(), &operator, id, auth.Client{}); err != nil {
		f.Fatal(err)
	}
}

// since is a query for what is newer than an answer's bundle.
func since(a answer) string {
	tag := strings.Trim(a.Header.Get("Etag"), `"`)
	tag, _, _ = strings.Cut(tag, ".")
	tag, _, _ = strings.Cut(tag, "-")
	return "?since=" + tag
}

func TestBundle(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice").user()
	whole := f.bundle("").want(200, "")
	v := f.worker()
	if err := v.Load([]byte(whole.Body), f.now()); err != nil {
		t.Fatal(err)
	}
	number, _ := v.Held()
	for name, want := range map[string]string{
		"Content-Type": "application/jose", "Cache-Control": "public, max-age=0, must-revalidate", "Vary": "Accept-Encoding",
		"Etag": `"` + strconv.FormatInt(number, 10) + `"`, "Access-Control-Allow-Origin": "", "Set-Cookie": "", "Content-Encoding": "",
	} {
		if got := whole.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}

	none := f.bundle(since(whole)).want(304, "")
	if none.Body != "" || none.Header.Get("Cache-Control") == "" || none.Header.Get("Vary") == "" {
		t.Errorf("304 with %q, %v", none.Body, none.Header)
	}
	f.bundle("", "If-None-Match", whole.Header.Get("Etag")).want(304, "")
	f.bundle("", "If-None-Match", `"1", W/`+whole.Header.Get("Etag")).want(304, "")
	f.bundle("", "If-None-Match", `"1"`).want(200, "")
	f.bundle("?since=0").want(200, "")
	f.bundle("?since=1").want(200, "")
	f.bundle("?since=9007199254740991").want(304, "")
	f.bundle("?since=0&wait=0").want(200, "")

	held := f.tokens("alice").AccessToken
	f.kick(alice.ID)
	time.Sleep(auth.BundlePause)
	delta := f.bundle(since(whole)).want(200, "")
	if want := fmt.Sprintf("-%d\"", number); !strings.HasSuffix(delta.Header.Get("Etag"), want) || len(delta.Body) > 600 {
		t.Errorf("a delta of %d bytes with the tag %s, want %s", len(delta.Body), delta.Header.Get("Etag"), want)
	}
	f.bundle(since(whole), "If-None-Match", delta.Header.Get("Etag")).want(304, "")
	f.bundle("", "If-None-Match", delta.Header.Get("Etag")).want(200, "") // another document
	f.bundle("", "If-None-Match", whole.Header.Get("Etag")).want(200, "")
	if err := v.Load([]byte(delta.Body), f.now()); err != nil {
		t.Fatal(err)
	}
	var out edge.Verdict
	if v.Verify(held, f.now(), &out); out.Code != "token_revoked" {
		t.Errorf("after the delta: %s", out.Code)
	}
	if err := v.Load([]byte(whole.Body), f.now()); edge.CodeOf(err) != "bundle_old" {
		t.Errorf("the older one again: %v", err)
	}

	head := f.send("HEAD", bundlePath, nil, http.Header{}).want(200, "")
	if head.Body != "" || head.Header.Get("Content-Length") == "0" || head.Header.Get("Etag") == "" || head.Header.Get("Content-Type") != "application/jose" {
		t.Errorf("HEAD: %q, %v", head.Body, head.Header)
	}
	f.send("POST", bundlePath, nil, http.Header{}).want(405, "method_not_allowed")
	if a := f.send("OPTIONS", bundlePath, nil, http.Header{"Origin": {"https://app.example"}, "Access-Control-Request-Method": {"GET"}}); a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("OPTIONS: %v", a.Header)
	}
	f.bundle("", "Authorization", "Bearer garbage").want(200, "") // it is not looked at
	f.bundle("", "Cookie", "__Host-hexward_session=garbage").want(200, "")
}

func TestBundle_parameters(t *testing.T) {
	f := newFixture(t, options{})
	for _, query := range []string{
		"?since=", "?since=-1", "?since=+1", "?since=01", "?since=1.0", "?since=1e3", "?since=x", "?since=0x10", "?since=9007199254740992",
		"?since=99999999999999999999", "?since=%31%00", "?since=%D9%A1", "?since=1&since=1", "?since=1&since=2", "?wait=-1", "?wait=31", "?wait=", "?wait=1s",
		"?wait=0.5", "?wait=1&wait=1", "?after=1", "?since=1&x=y", "?Since=1", "?since", "?%00",
	} {
		a := f.bundle(query)
		if a.Status != 400 || !slices.Contains([]string{"type", "duplicate", "unknown"}, a.code()) || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", query, a.Status, a.Body)
		}
	}
}

func TestBundle_off(t *testing.T) {
	f := newFixture(t, options{web: func(c *web.Config) { c.Bundles = false }})
	f.bundle("").want(404, "not_found")
	f.bundle("?since=x").want(404, "not_found")
	g := newFixture(t, options{auth: func(c *auth.Config) { c.Edge = nil }, web: func(c *web.Config) { c.Bundles = false }})
	g.bundle("").want(404, "not_found")
	if _, err := web.New(g.service, web.Config{PublicURL: publicURL, Bundles: true}); err == nil || !strings.Contains(err.Error(), "auth.Config.Edge") {
		t.Errorf("bundles of a service without Edge: %v", err)
	}
	for _, secret := range []string{"two words", "é", "a,b", " ", "x "} {
		if _, err := web.New(f.service, web.Config{PublicURL: publicURL, Bundles: true, BundleSecret: secret}); err == nil || !strings.Contains(err.Error(), "letters, digits") {
			t.Errorf("the secret %q: %v", secret, err)
		}
	}
	for name, tells := range map[string]func(*auth.Config){
		"API tokens": func(c *auth.Config) { c.Edge.APITokens = true },
		"an issuer's people": func(c *auth.Config) {
			c.Issuers = []auth.Trusted{{Name: "a", URL: "https://a.example", Issuer: stranger{}, Edge: true}}
		},
	} {
		told := newService(t, &fixture{TB: t, store: memory.New(), mails: &mailbox{}}, tells)
		if _, err := web.New(told, web.Config{PublicURL: publicURL, Bundles: true}); err == nil || !strings.Contains(err.Error(), "they need a secret") {
			t.Errorf("%s, to anybody: %v", name, err)
		}
		if _, err := web.New(told, web.Config{PublicURL: publicURL, Bundles: true, BundleSecret: "x"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := web.New(g.service, web.Config{PublicURL: publicURL, BundleSecret: "x"}); err == nil || !strings.Contains(err.Error(), "not published") {
		t.Errorf("a secret of no bundles: %v", err)
	}
}

func TestBundle_secret(t *testing.T) {
	const secret = "nine-brass-hinges.and_a~kettle+all/old=="
	f := newFixture(t, options{web: func(c *web.Config) { c.BundleSecret = secret }})
	alice := f.browser().register("alice")
	for name, header := range map[string][]string{
		"nothing": nil, "another": {"Bearer x"}, "cut": {"Bearer " + secret[:len(secret)-1]}, "longer": {"Bearer " + secret + "x"},
		"empty": {"Bearer "}, "none": {""}, "basic": {"Basic x"}, "twice": {"Bearer " + secret, "Bearer " + secret},
		"an access token": {"Bearer " + f.tokens("alice").AccessToken},
	} {
		h := http.Header{}
		for _, v := range header {
			h.Add("Authorization", v)
		}
		for _, query := range []string{"", "?since=1", "?since=x", "?wait=5"} {
			a := f.send("GET", bundlePath+query, nil, h)
			if a.Status != 401 || a.code() != "bundle_secret" || a.Header.Get("Www-Authenticate") == "" || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s%s: %d %s %v", name, query, a.Status, a.Body, a.Header)
			}
		}
	}
	a := alice.do("GET", bundlePath, nil)
	if a.want(401, "bundle_secret"); len(a.sets) > 0 {
		t.Errorf("a browser's cookies are dropped: %v", a.sets)
	}
	if strings.Contains(f.log.String(), secret) {
		t.Error("the secret is in the log")
	}
}

func TestBundle_secret_good(t *testing.T) {
	const secret = "nine-brass-hinges.and_a~kettle+all/old=="
	f := newFixture(t, options{web: func(c *web.Config) { c.BundleSecret = secret }})
	a := f.bundle("", "Authorization", "Bearer "+secret).want(200, "")
	if got := a.Header.Get("Cache-Control"); got != "private, max-age=0, must-revalidate" {
		t.Errorf("Cache-Control: %s", got)
	}
	f.bundle(since(a), "Authorization", "bearer "+secret).want(304, "")
	f.bundle("?since=x", "Authorization", "Bearer "+secret).want(400, "")
	if strings.Contains(f.log.String(), secret) {
		t.Error("the secret is in the log")
	}
}

// TestBundle_encodings: what is compressed is the same when it is opened.
func TestBundle_encodings(t *testing.T) {
	f := newFixture(t, options{})
	for i := range 500 {
		must := f.store.Marks().Add(t.Context(), token.Mark{Kind: token.MarkSession, Value: fmt.Sprintf("session-%d", i), Until: time.Now().Add(time.Hour).Unix()})
		if must != nil {
			t.Fatal(must)
		}
	}
	if err := f.service.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	plain := f.bundle("").want(200, "")
	tags := map[string]bool{plain.Header.Get("Etag"): true}
	for _, tt := range []struct{ accept, want string }{
		{"br", "br"},
		{"gzip", "gzip"},
		{"gzip, deflate, br, zstd", "br"},
		{"GZIP", "gzip"},
		{"gzip;q=1.0, br;q=0", "gzip"},
		{"br;q=0.000,gzip;q=0.001", "gzip"},
		{"", ""},
		{"identity", ""},
		{"deflate", ""},
		{"*", ""},
		{"xbr", ""},
		{"br;q=0, gzip;q=0", ""},
		{" br ; q=0.5 ", "br"},
	} {
		a := f.bundle("", "Accept-Encoding", tt.accept).want(200, "")
		if got := a.Header.Get("Content-Encoding"); got != tt.want {
			t.Errorf("Accept-Encoding: %s: %q, want %q", tt.accept, got, tt.want)
			continue
		}
		var in io.Reader = strings.NewReader(a.Body)
		switch tt.want {
		case "br":
			in = brotli.NewReader(in)
		case "gzip":
			unzipped, err := gzip.NewReader(in)
			if err != nil {
				t.Fatal(err)
			}
			in = unzipped
		}
		body, err := io.ReadAll(in)
		if err != nil || string(body) != plain.Body {
			t.Errorf("Accept-Encoding: %s: another document, %v", tt.accept, err)
		}
		if tt.want != "" && len(a.Body) > len(plain.Body)*3/4 {
			t.Errorf("%s makes %d of %d bytes", tt.want, len(a.Body), len(plain.Body))
		}
		if a.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Vary: %s", a.Header.Get("Vary"))
		}
		tags[a.Header.Get("Etag")] = true
		f.bundle("", "Accept-Encoding", tt.accept, "If-None-Match", a.Header.Get("Etag")).want(304, "")
	}
	if len(tags) != 3 {
		t.Errorf("entity tags %v, want three", tags)
	}
}

// TestBundle_wait: who waits hears of a revocation within about a second, and of nothing
// when there is nothing.
func TestBundle_wait(t *testing.T) {
	f := newFixture(t, options{web: func(c *web.Config) { c.WriteTimeout, c.Timeout = time.Second, time.Second }})
	alice := f.browser().register("alice").user()
	first := f.bundle("").want(200, "")

	begun := time.Now()
	f.bundle(since(first)+"&wait=1").want(304, "")
	if took := time.Since(begun); took < 900*time.Millisecond || took > 5*time.Second {
		t.Errorf("waited %v, want a second", took)
	}
	type heard struct {
		answer
		after time.Duration
	}
	results := make(chan heard)
	begun = time.Now()
	var kicked time.Time
	go func() {
		a := f.bundle(since(first) + "&wait=20")
		results <- heard{a, time.Since(begun)}
	}()
	time.Sleep(1500 * time.Millisecond) // longer than a use case and a write may take
	kicked = time.Now()
	f.kick(alice.ID)
	got := <-results
	got.want(200, "")
	if late := time.Since(kicked); got.after < 1400*time.Millisecond || late > 8*time.Second {
		t.Errorf("heard %v after the kick, %v after asking", late, got.after)
	}
	t.Logf("heard %v after the kick", time.Since(kicked))
	if !strings.Contains(got.Header.Get("Etag"), "-") {
		t.Errorf("no delta: %s", got.Header.Get("Etag"))
	}
	if a := f.bundle("?wait=30"); a.Status != 200 { // there is one at once
		t.Errorf("without a number: %d", a.Status)
	}
}

// TestBundle_waiters: many wait at once, all of them hear of it, more than there is room for
// are answered at once, and none is left over.
func TestBundle_waiters(t *testing.T) {
	f := newFixture(t, options{})
	alice := f.browser().register("alice").user()
	first := f.bundle("").want(200, "")
	number := strings.TrimPrefix(since(first), "?since=")
	waiters := web.MaxWaiting + 100
	if raceDetector {
		waiters = 200
	}
	ask := func(query string) (status int, err error) {
		conn, err := net.DialTimeout("tcp4", f.addr, 5*time.Second)
		if err != nil {
			return 0, err
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
		if _, err := io.WriteString(conn, "GET "+bundlePath+query+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
			return 0, err
		}
		b, err := io.ReadAll(conn)
		if len(b) < 12 || !bytes.HasPrefix(b, []byte("HTTP/1.1 ")) {
			return 0, fmt.Errorf("%q, %w", b, err)
		}
		return strconv.Atoi(string(b[9:12]))
	}
	before := runtime.NumGoroutine()
	var mu sync.Mutex
	counts := map[int]int{}
	var wait sync.WaitGroup
	for range waiters {
		wait.Go(func() {
			status, err := ask("?since=" + number + "&wait=30")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			counts[status]++
			mu.Unlock()
		})
	}
	deadline := time.Now().Add(20 * time.Second)
	for want := min(waiters, web.MaxWaiting); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		mu.Lock()
		early := counts[304]
		mu.Unlock()
		if early >= waiters-want && runtime.NumGoroutine() >= before+want {
			break
		}
	}
	time.Sleep(200 * time.Millisecond)
	kicked := time.Now()
	f.kick(alice.ID)
	wait.Wait()
	took := time.Since(kicked)
	if counts[200] != min(waiters, web.MaxWaiting) || counts[200]+counts[304] != waiters {
		t.Errorf("answers %v of %d", counts, waiters)
	}
	if took > 10*time.Second {
		t.Errorf("it took %v until all had heard", took)
	}
	t.Logf("%d heard within %v", counts[200], took)
	if status, err := ask("?since=" + number + "&wait=1"); status != 200 || err != nil {
		t.Errorf("afterwards: %d, %v", status, err)
	}
}

// TestBundle_shutdown: who waits does not keep the server from stopping.
func TestBundle_shutdown(t *testing.T) {
	f := newFixture(t, options{})
	first := f.bundle("").want(200, "")
	done := make(chan answer)
	go func() { done <- f.bundle(since(first) + "&wait=30") }()
	time.Sleep(300 * time.Millisecond)
	begun := time.Now()
	if err := f.app.ShutdownWithTimeout(10 * time.Second); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("stopping took %v", took)
	}
	(<-done).want(304, "")
}

// brokenNumbers is a store of numbers that can be down.
type brokenNumbers struct {
	ports.Numbers
	down  atomic.Bool
	asked atomic.Int32
}

func (b *brokenNumbers) Next(ctx context.Context, floor int64) (int64, error) {
	b.asked.Add(1)
	if b.down.Load() {
		return 0, fault.New(fault.Unavailable, "down", "the store is down")
	}
	return b.Numbers.Next(ctx, floor)
}

// TestBundle_down: a server whose store is down gives out what it has signed.
func TestBundle_down(t *testing.T) {
	var numbers brokenNumbers
	f := newFixture(t, options{auth: func(c *auth.Config) {
		numbers.Numbers, c.Edge.Numbers = c.Edge.Numbers, &numbers
		c.Report = func(context.Context, string, error) {}
	}})
	numbers.down.Store(true)
	a := f.bundle("").want(503, "down")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	numbers.down.Store(false)
	time.Sleep(1100 * time.Millisecond)
	first := f.bundle("").want(200, "")
	numbers.down.Store(true)
	f.kick(f.browser().register("alice").user().ID)
	time.Sleep(auth.BundlePause)
	if again := f.bundle("").want(200, ""); again.Body != first.Body {
		t.Error("another bundle without a number for it")
	}
	f.bundle(since(first)).want(304, "")
	begun := time.Now()
	f.bundle(since(first)+"&wait=1").want(304, "")
	if took := time.Since(begun); took < 900*time.Millisecond {
		t.Errorf("waited %v", took)
	}
	if n := numbers.asked.Load(); n > 6 {
		t.Errorf("%d attempts", n)
	}
	numbers.down.Store(false)
	f.bundle(since(first)+"&wait=5").want(200, "")
}

// stranger is an issuer that nobody asks.
type stranger struct{ ports.Issuer }

func (stranger) Version() uint64 { return 0 }
