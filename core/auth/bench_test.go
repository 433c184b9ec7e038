package auth_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports/mock"
)

func BenchmarkAuthenticate_session_cached(b *testing.B) {
	w := newWorld(b)
	_, g := w.signedIn()
	ctx := b.Context()
	c := auth.Credentials{Session: g.Cookie}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.service.Authenticate(ctx, c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAuthenticate is a request with a token: one that is remembered, or one
// that is shown for the first time.
func BenchmarkAuthenticate(b *testing.B) {
	sorts := []struct {
		name  string
		token func(*world) string
	}{
		{"own", func(w *world) string {
			_, g := w.signedIn()
			return g.Access
		}},
		{"foreign", func(w *world) string {
			w.up().add(aliceID, known, urlOf(known), dana1)
			return w.abroad[known].mint(dana1, nil)
		}},
		{"api", func(w *world) string { return w.apiToken("a") }},
	}
	for _, sort := range sorts {
		for _, when := range []string{"cached", "first"} {
			b.Run(sort.name+"/"+when, func(b *testing.B) {
				w := newBearerWorld(b, func(c *auth.Config) {
					if when == "first" {
						c.Verified, c.Refused = nil, nil
					}
				})
				c := auth.Credentials{Bearer: sort.token(w), HasBearer: true}
				ctx := b.Context()
				b.ReportAllocs()
				for b.Loop() {
					if _, err := w.service.Authenticate(ctx, c); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkAuthenticate_parallel(b *testing.B) {
	s, cookies := crowd(b, 1000)
	ctx := b.Context()
	for _, c := range cookies {
		if _, err := s.Authenticate(ctx, auth.Credentials{Session: c}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Authenticate(ctx, auth.Credentials{Session: cookies[i%len(cookies)]}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// crowd returns a service whose store makes up a session of another user for each
// of n cookies, as a store that reads rows would, and keeps none of it.
func crowd(t testing.TB, n int) (*auth.Service, []string) {
	w := newWorld(t)
	seal, err := session.NewSeal([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	number := make(map[session.Hash]int, n)
	cookies := make([]string, n)
	for i := range cookies {
		cookie, h, err := seal.Mint(w, epoch)
		if err != nil {
			t.Fatal(err)
		}
		cookies[i], number[h] = cookie, i
	}
	row := func(_ context.Context, h session.Hash) (session.Session, user.User, error) {
		i, ok := number[h]
		if !ok {
			return session.Session{}, user.User{}, miss()
		}
		name := fmt.Sprintf("user%04x", i%0x10000)
		id := fmt.Sprintf("0190aaaa-0000-7000-8000-%012x", i)
		u := user.New(id, string([]byte(tenant.Default)), user.NameOf(name, name), user.Email{}, "", epoch)
		s := session.New(fmt.Sprintf("0190bbbb-0000-7000-8000-%012x", i), id, u.Tenant, "password", session.DefaultLife, epoch)
		s.Hash, s.Sealed = h, make([]byte, 100)
		return s, u, nil
	}
	return w.serve(func(c *auth.Config) {
		c.Settings.SessionCache = max(auth.DefaultSettings(issuer).SessionCache, 2*n)
		c.Sessions = &mock.SessionsMock{ByHashFunc: row}
	}), cookies
}

// sessionBytes returns what one more remembered session takes beyond the first
// 10,000.
func sessionBytes(t testing.TB) float64 {
	const first, all = 10_000, 100_000
	s, cookies := crowd(t, all)
	live := func() float64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	read := func(cookies []string) {
		for _, c := range cookies {
			id, err := s.Authenticate(t.Context(), auth.Credentials{Session: c})
			if err != nil || id.Name == "" {
				t.Fatal(err)
			}
		}
	}
	read(cookies[:first])
	forgetCalls(s)
	before := live()
	read(cookies[first:])
	forgetCalls(s)
	size := (live() - before) / (all - first)
	read(cookies[:1])
	runtime.KeepAlive(cookies)
	return size
}

// forgetCalls drops what the mock remembers of the calls.
func forgetCalls(s *auth.Service) {
	m := s.Sessions.(*mock.SessionsMock)
	*m = mock.SessionsMock{ByHashFunc: m.ByHashFunc}
}

func BenchmarkSessionCache_memory(b *testing.B) {
	var size float64
	for b.Loop() {
		size = sessionBytes(b)
	}
	b.ReportMetric(size, "bytes/session")
	b.ReportMetric(0, "ns/op")
}
