package captcha_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/adapters/captcha"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/porttest"
)

const secret = "the site's secret"

func write(w http.ResponseWriter, body string) { _, _ = io.WriteString(w, body) }

// provider serves handler on a loopback address and returns its URL.
func provider(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// honest says yes to "good" and no to everything else, as the providers do.
func honest(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("secret") == secret && r.FormValue("response") == "good" {
		write(w, `{"success":true,"challenge_ts":"2026-11-22T00:00:00Z","hostname":"app.example"}`)
		return
	}
	write(w, `{"success":false,"error-codes":["invalid-input-response"]}`)
}

func newChecker(t testing.TB, c captcha.Config) *captcha.Checker {
	t.Helper()
	if c.Provider == "" {
		c.Provider = "turnstile"
	}
	c.Secret = secret
	checker, err := captcha.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return checker
}

func TestContract(t *testing.T) {
	for _, name := range []string{"recaptcha", "hcaptcha", "turnstile"} {
		t.Run(name, func(t *testing.T) {
			porttest.Captcha(t, "good", func(t *testing.T) (ports.Captcha, ports.Captcha) {
				gone := httptest.NewServer(http.NotFoundHandler())
				gone.Close()
				return newChecker(t, captcha.Config{Provider: name, URL: provider(t, honest)}),
					newChecker(t, captcha.Config{Provider: name, URL: gone.URL})
			})
		})
	}
}

func TestCheck_question(t *testing.T) {
	var got url.Values
	var method, contentType, query string
	checker := newChecker(t, captcha.Config{URL: provider(t, func(w http.ResponseWriter, r *http.Request) {
		method, contentType, query = r.Method, r.Header.Get("Content-Type"), r.URL.RawQuery
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		got = r.PostForm
		write(w, `{"success":true}`)
	})})
	for _, tt := range []struct {
		name   string
		client netip.Addr
		want   url.Values
	}{
		{"IPv4", netip.MustParseAddr("192.0.2.7"), url.Values{"remoteip": {"192.0.2.7"}}},
		{"IPv4 in IPv6", netip.MustParseAddr("::ffff:192.0.2.7"), url.Values{"remoteip": {"192.0.2.7"}}},
		{"zone", netip.MustParseAddr("fe80::1%eth0"), url.Values{"remoteip": {"fe80::1"}}},
		{"unknown", netip.Addr{}, url.Values{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := checker.Check(t.Context(), "a&secret=b +c", tt.client); err != nil {
				t.Fatal(err)
			}
			tt.want.Set("secret", secret)
			tt.want.Set("response", "a&secret=b +c")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if method != http.MethodPost || contentType != "application/x-www-form-urlencoded" || query != "" {
				t.Errorf("%s %s %q", method, contentType, query)
			}
		})
	}
}

func TestCheck_answers(t *testing.T) {
	const ok, invalid, unavailable = "ok", "invalid", "unavailable"
	for _, tt := range []struct {
		name   string
		config captcha.Config
		status int
		body   string
		want   string
	}{
		{"yes", captcha.Config{}, 200, `{"success":true}`, ok},
		{"no", captcha.Config{}, 200, `{"success":false}`, invalid},
		{"no, with codes", captcha.Config{}, 200, `{"success":false,"error-codes":["timeout-or-duplicate"]}`, invalid},
		{"empty object", captcha.Config{}, 200, `{}`, invalid},
		{"null", captcha.Config{}, 200, `{"success":null}`, invalid},
		{"yes as a string", captcha.Config{}, 200, `{"success":"true"}`, unavailable},
		{"yes as a number", captcha.Config{}, 200, `{"success":1}`, unavailable},
		{"array", captcha.Config{}, 200, `[{"success":true}]`, unavailable},
		{"more after the answer", captcha.Config{}, 200, `{"success":true}{}`, unavailable},
		{"cut short", captcha.Config{}, 200, `{"success":true`, unavailable},
		{"nothing", captcha.Config{}, 200, ``, unavailable},
		{"a page", captcha.Config{}, 200, `<!doctype html><title>success:true</title>`, unavailable},
		{"huge", captcha.Config{}, 200, `{"success":true,"x":"` + strings.Repeat("x", 1<<20) + `"}`, unavailable},
		{"yes and much white space", captcha.Config{}, 200, `{"success":true}` + strings.Repeat(" ", 1<<20), unavailable},
		{"500 with yes", captcha.Config{}, 500, `{"success":true}`, unavailable},
		{"503", captcha.Config{}, 503, `busy`, unavailable},
		{"404", captcha.Config{}, 404, `{"success":true}`, unavailable},
		{"204", captcha.Config{}, 204, ``, unavailable},
		{"wrong secret", captcha.Config{}, 200, `{"success":false,"error-codes":["invalid-input-secret"]}`, unavailable},
		{"their error", captcha.Config{}, 200, `{"success":false,"error-codes":["internal-error"]}`, unavailable},
		{"right host", captcha.Config{Hostname: "app.example"}, 200, `{"success":true,"hostname":"App.Example"}`, ok},
		{"wrong host", captcha.Config{Hostname: "app.example"}, 200, `{"success":true,"hostname":"evil.example"}`, invalid},
		{"longer host", captcha.Config{Hostname: "app.example"}, 200, `{"success":true,"hostname":"app.example.evil.example"}`, invalid},
		{"no host", captcha.Config{Hostname: "app.example"}, 200, `{"success":true}`, invalid},
		{"high score", captcha.Config{MinScore: 0.5}, 200, `{"success":true,"score":0.5}`, ok},
		{"low score", captcha.Config{MinScore: 0.5}, 200, `{"success":true,"score":0.4}`, invalid},
		{"no score", captcha.Config{MinScore: 0.5}, 200, `{"success":true}`, invalid},
		{"high score and no", captcha.Config{MinScore: 0.5}, 200, `{"success":false,"score":0.9}`, invalid},
		{"low score that nobody asked for", captcha.Config{}, 200, `{"success":true,"score":0}`, ok},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.URL = provider(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				write(w, tt.body)
			})
			err := newChecker(t, tt.config).Check(t.Context(), "response", netip.Addr{})
			got := ok
			if err != nil {
				got = fault.KindOf(err).String()
				if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), url.QueryEscape(secret)) {
					t.Errorf("the error shows the secret: %v", err)
				}
			}
			if got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
}

// TestCheck_endless_answer sees that reading ends long before the deadline.
func TestCheck_endless_answer(t *testing.T) {
	checker := newChecker(t, captcha.Config{URL: provider(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			write(w, strings.Repeat(" ", 4096))
		}
	})})
	start := time.Now()
	err := checker.Check(t.Context(), "response", netip.Addr{})
	if took := time.Since(start); fault.KindOf(err) != fault.Unavailable || took > captcha.DefaultTimeout/2 {
		t.Errorf("got %v after %v", err, took)
	}
}

func TestCheck_follows_no_redirect(t *testing.T) {
	var asked atomic.Int32
	elsewhere := provider(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		write(w, `{"success":true}`)
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		checker := newChecker(t, captcha.Config{URL: provider(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere, status)
		})})
		if err := checker.Check(t.Context(), "response", netip.Addr{}); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the secret was sent elsewhere %d times", n)
	}
}

func TestCheck_deadline(t *testing.T) {
	stall := func(release chan struct{}) {
		select {
		case <-release:
		case <-time.After(10 * time.Second):
		}
	}
	for _, tt := range []struct {
		name  string
		begin func(w http.ResponseWriter)
	}{
		{"no answer", func(http.ResponseWriter) {}},
		{"half an answer", func(w http.ResponseWriter) {
			write(w, `{"success":true`)
			_ = http.NewResponseController(w).Flush()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			release := make(chan struct{})
			at := provider(t, func(w http.ResponseWriter, _ *http.Request) {
				tt.begin(w)
				stall(release)
			})
			t.Cleanup(func() { close(release) }) // before the server closes, which waits for its handlers
			start := time.Now()
			err := newChecker(t, captcha.Config{URL: at, Timeout: 100 * time.Millisecond}).Check(t.Context(), "response", netip.Addr{})
			if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			err = newChecker(t, captcha.Config{URL: at}).Check(ctx, "response", netip.Addr{})
			if fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestCheck_empty_response_is_not_asked_about(t *testing.T) {
	checker := newChecker(t, captcha.Config{URL: provider(t, func(http.ResponseWriter, *http.Request) {
		t.Error("the provider was asked")
	})})
	if err := checker.Check(t.Context(), "", netip.Addr{}); fault.CodeOf(err) != "required" {
		t.Errorf("got %v", err)
	}
	if err := checker.Check(t.Context(), strings.Repeat("x", 9000), netip.Addr{}); fault.CodeOf(err) != "unsolved" {
		t.Errorf("got %v", err)
	}
}

func TestNew_refuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config captcha.Config
		want   []string
	}{
		{"nothing", captcha.Config{}, []string{"provider", "secret"}},
		{"unknown provider", captcha.Config{Provider: "Turnstile", Secret: secret}, []string{`"Turnstile"`}},
		{"blank secret", captcha.Config{Provider: "hcaptcha", Secret: " "}, []string{"secret"}},
		{"score", captcha.Config{Provider: "recaptcha", Secret: secret, MinScore: 1.1}, []string{"score"}},
		{"no number", captcha.Config{Provider: "recaptcha", Secret: secret, MinScore: math.NaN()}, []string{"score"}},
		{"timeout", captcha.Config{Provider: "recaptcha", Secret: secret, Timeout: -1}, []string{"timeout"}},
		{"plain http", captcha.Config{Provider: "recaptcha", Secret: secret, URL: "http://captcha.example"}, []string{"https"}},
		{"loopback by name only", captcha.Config{Provider: "recaptcha", Secret: secret, URL: "http://127.0.0.1.example"}, []string{"https"}},
		{"other scheme", captcha.Config{Provider: "recaptcha", Secret: secret, URL: "file:///etc/passwd"}, []string{"https"}},
		{"relative", captcha.Config{Provider: "recaptcha", Secret: secret, URL: "/siteverify"}, []string{"https"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checker, err := captcha.New(tt.config)
			if err == nil || checker != nil {
				t.Fatalf("got %v, %v", checker, err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error %q shows the secret", err)
			}
		})
	}
	for _, name := range []string{"recaptcha", "hcaptcha", "turnstile"} {
		if _, err := captcha.New(captcha.Config{Provider: name, Secret: secret}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ExampleChecker() {
	server := httptest.NewServer(http.HandlerFunc(honest))
	defer server.Close()
	c, err := captcha.New(captcha.Config{Provider: "turnstile", Secret: secret, URL: server.URL}) // leave out URL
	if err != nil {
		panic(err)
	}
	client := netip.MustParseAddr("192.0.2.7")
	fmt.Println(c.Check(context.Background(), "good", client))
	fmt.Println(c.Check(context.Background(), "bad", client))
	// Output:
	// <nil>
	// unsolved: captcha: the captcha was not solved, or too long ago; please solve it again
}
