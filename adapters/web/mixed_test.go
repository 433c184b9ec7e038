package web_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/cache"
	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
)

// bearers are tokens of one sort, all as long as each other, with the whole answer
// that each is to get from /verify.
type bearers struct{ token, answer string }

// mixed returns n access tokens and n API tokens, of n users, one after the other.
func mixed(t *testing.T, f *fixture, n int) (list []bearers) {
	t.Helper()
	for i := range n {
		name := fmt.Sprintf("user%04d", i)
		b := f.browser().register(name)
		id := b.user().ID
		f.permit(id, "read", "may"+name)
		access := f.tokens(name).AccessToken
		var claims struct{ Sid string }
		if err := json.Unmarshal(payload(t, access), &claims); err != nil {
			t.Fatal(err)
		}
		const answer = `{"subject":%q,"name":%q,"kind":"user","tenant":"default","permissions":[%s],"session":%q}`
		list = append(list,
			bearers{access, fmt.Sprintf(answer, id, name, `"may`+name+`","read"`, claims.Sid)},
			bearers{b.apiToken("may" + name).Token, fmt.Sprintf(answer, id, name, `"may`+name+`"`, "")},
		)
		if len(list[2*i].token) != len(list[0].token) || len(list[2*i+1].token) != len(list[1].token) {
			t.Fatalf("tokens of %d, %d, %d and %d bytes", len(list[2*i].token), len(list[0].token), len(list[2*i+1].token), len(list[1].token))
		}
	}
	return list
}

// payload returns the claims of a token.
func payload(t testing.TB, token string) []byte {
	t.Helper()
	_, rest, _ := strings.Cut(token, ".")
	text, _, _ := strings.Cut(rest, ".")
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// TestBearers_NeverAnothers has 8 connections show 400 tokens in turn, each at its own
// pace and in its own order, to a server that remembers what it found out. Fiber reads
// every request of a connection into the same memory: whatever was kept of one request
// and is a view into it is the next one's, and tokens that are equally long put it
// exactly there.
func TestBearers_NeverAnothers(t *testing.T) {
	users, requests := 200, 16_000
	if raceDetector {
		users, requests = 50, 2_400
	}
	for _, tt := range []struct {
		name string
		size int // of the cache
	}{
		{"everything is remembered", 10_000},
		{"some of it is", 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, options{web: func(c *web.Config) { c.Log = nil }, auth: func(c *auth.Config) { c.Verified, c.Refused = caches(t, tt.size) }})
			list := mixed(t, f, users)
			const connections = 8
			var wait sync.WaitGroup
			for n := range connections {
				wait.Go(func() { alternate(t, f.addr, list, n, requests/connections) })
			}
			wait.Wait()
		})
	}
}

func caches(t testing.TB, size int) (verified, refused *cache.Cache) {
	t.Helper()
	verified, err := cache.New(size)
	if err != nil {
		t.Fatal(err)
	}
	if refused, err = cache.New(size); err != nil {
		t.Fatal(err)
	}
	return verified, refused
}

// alternate shows tokens on one connection and holds each answer to what it is to be.
func alternate(t *testing.T, addr string, list []bearers, n, requests int) {
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp4", addr)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	r := bufio.NewReader(conn)
	order := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range requests {
		one := list[order.IntN(len(list))]
		if _, err := io.WriteString(conn, "GET /auth/verify HTTP/1.1\r\nHost: id.example\r\nAuthorization: Bearer "+one.token+"\r\n\r\n"); err != nil {
			t.Error(err)
			return
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != 200 || string(body) != one.answer {
			t.Errorf("request %d of connection %d: %v %d\n got %s\nwant %s", i, n, err, res.StatusCode, body, one.answer)
			return
		}
	}
}
