package examples_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hexward/hexward/core/edge"
)

// TestGo_follow has the service in Go follow a server that is not what it should be.
func TestGo_follow(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	elsewhere := newPublisher(t)
	elsewhere.bundles, elsewhere.tokens, elsewhere.own = p.bundles, p.tokens, p.own // as good as the real one
	elsewhere.publish(time.Hour)
	elsewhere.up()
	forged := newPublisher(t).forged(t)
	answers := []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"a redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.url, http.StatusFound) }},
		{"a page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<!doctype html>")) }},
		{"a stranger's bundle", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(forged)) }},
		{"an endless one", func(w http.ResponseWriter, r *http.Request) {
			for chunk := []byte(strings.Repeat("A", 1<<20)); r.Context().Err() == nil; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}},
	}
	instead := func(answer http.HandlerFunc) (before int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.instead = answer
		return p.polls
	}
	polls := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.polls
	}
	p.publish(time.Hour)
	instead(answers[0].answer)
	p.up()
	service := startGo(t, p.url, p.trust)
	c := newClient(t)
	good := "Authorization: Bearer " + p.token("ada", "t1")
	for _, bad := range answers {
		began := instead(bad.answer)
		if _, ok := within(12*time.Second, func() bool { return polls() > began }); !ok {
			t.Errorf("%s: it does not ask again", bad.name)
		}
		time.Sleep(300 * time.Millisecond)
		refused(t, c.get(503, service+"/api/x", good), 503, "bundle_missing", "")
	}
	instead(nil)
	if _, ok := within(8*time.Second, func() bool { a, err := c.try("GET", service+"/api/x", "", good); return err == nil && a.status == 200 }); !ok {
		t.Fatalf("it answers %v", c.get(503, service+"/api/x", good))
	}

	// A delta that does not fit has it ask for everything.
	whole := string(p.publish(time.Hour, revoked(t, "t1")))
	delta := string(p.publish(time.Hour, revoked(t, "t2"), func(b *edge.Bundle) {
		*b = edge.Bundle{Issuer: b.Issuer, Number: b.Number, Base: b.Number - 1, IssuedAt: b.IssuedAt, Expires: b.Expires, Marks: b.Marks}
	}))
	instead(func(w http.ResponseWriter, r *http.Request) {
		since, _ := strconv.Atoi(r.URL.Query().Get("since"))
		switch {
		case since == 0:
			_, _ = w.Write([]byte(whole))
		case since < 3:
			_, _ = w.Write([]byte(delta))
		default:
			w.WriteHeader(http.StatusNotModified) // at once, whatever is asked
		}
	})
	for id, status := range map[string]int{"t1": 401, "t2": 401, "t3": 200} {
		shown := "Authorization: Bearer " + p.token("ada", id)
		if _, ok := within(8*time.Second, func() bool {
			a, err := c.try("GET", service+"/api/x", "", shown)
			return err == nil && a.status == status
		}); !ok {
			t.Errorf("%s: it does not come to be %d", id, status)
		}
	}
	before := polls()
	time.Sleep(time.Second)
	if n := polls() - before; n > 11 {
		t.Errorf("it asks %d times a second", n)
	}
}

// TestGo_requests has the service in Go take requests apart.
func TestGo_requests(t *testing.T) {
	t.Parallel()
	p := newPublisher(t)
	p.publish(time.Hour)
	p.up()
	service := startGo(t, p.url, p.trust)
	c := newClient(t)
	good := "Authorization: Bearer " + p.token("ada", "t1")
	if _, ok := within(8*time.Second, func() bool { a, err := c.try("GET", service+"/api/x", "", good); return err == nil && a.status == 200 }); !ok {
		t.Fatal("it does not decide")
	}
	for name, test := range map[string]struct {
		head string
		want int
	}{
		"good":           {"GET /api/x?a=/../b HTTP/1.1\r\n" + good, 200},
		"absolute":       {"GET http://evil.example/api/x HTTP/1.1\r\n" + good, 400},
		"dots":           {"GET /public/../api/x HTTP/1.1", 400},
		"escaped dots":   {"GET /public/%2e%2e/api/x HTTP/1.1", 400},
		"escaped slash":  {"GET /public%2fx HTTP/1.1", 400},
		"two slashes":    {"GET //public/x HTTP/1.1", 400},
		"token twice":    {"GET /api/x HTTP/1.1\r\n" + good + "\r\n" + good, 401},
		"no value":       {"GET /api/x HTTP/1.1\r\nAuthorization:\r\nCookie: hw_access=" + p.token("ada", "t1"), 401},
		"cookie":         {"GET /api/x HTTP/1.1\r\nCookie: a=b\r\nCookie: hw_access=" + p.token("ada", "t1"), 200},
		"cookie twice":   {"GET /api/x HTTP/1.1\r\nCookie: hw_access=x\r\nCookie: hw_access=" + p.token("ada", "t1"), 401},
		"another site's": {"POST /api/x HTTP/1.1\r\nOrigin: https://evil.example\r\nCookie: hw_access=" + p.token("ada", "t1"), 403},
		"a lower method": {"post /api/x HTTP/1.1\r\nOrigin: https://evil.example\r\nCookie: hw_access=" + p.token("ada", "t1"), 403},
	} {
		if got := raw(t, service, test.head+"\r\nHost: app.example\r\n"); got.status != test.want {
			t.Errorf("%s: %v, want %d", name, got, test.want)
		}
	}
}

func startGo(t testing.TB, hexward, key string) string {
	t.Helper()
	port := freePort(t)
	start(t, t.TempDir(), []string{"HEXWARD=" + hexward, "BUNDLE_KEY=" + key, "LISTEN=127.0.0.1:" + port}, nil, must(t, goService))
	return listening(t, "http://127.0.0.1:"+port)
}
