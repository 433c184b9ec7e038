package web_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/auth"
)

// bare is what a Fiber handler costs that checks nothing.
func bare() *fiber.App {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/auth/verify", func(c *fiber.Ctx) error {
		return c.JSON(fiber.Map{"subject": "0199a0b0-0000-7000-8000-000000000001", "name": "alice", "tenant": "default"})
	})
	return app
}

// BenchmarkVerify compares the checks of a session and of tokens that were seen
// before with a bare Fiber handler: the handlers alone, and over connections on the loopback interface.
func BenchmarkVerify(b *testing.B) {
	f := newFixture(b, options{
		web: func(c *web.Config) {
			c.Log = nil
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		},
		auth: func(c *auth.Config) { c.Verified, c.Refused = caches(b, 1000) },
	})
	alice := f.browser().register("alice")
	session := "__Host-hexward_session=" + alice.cookies["__Host-hexward_session"]
	access := "Bearer " + f.tokens("alice").AccessToken
	cases := []struct {
		name, header, value string
		app                 *fiber.App
	}{
		{"bare", "X-Nothing", "", bare()},
		{"session", "Cookie", session, f.app},
		{"bearer", "Authorization", access, f.app},
		{"api-token", "Authorization", "Bearer " + alice.apiToken().Token, f.app},
	}
	for _, c := range cases {
		raw := "GET /auth/verify HTTP/1.1\r\nHost: id.example\r\nUser-Agent: bench/1\r\nAccept: */*\r\n" + c.header + ": " + c.value + "\r\n\r\n"
		b.Run("handler/"+c.name, func(b *testing.B) { benchHandler(b, c.app, raw) })
	}
	for _, c := range cases {
		raw := "GET /auth/verify HTTP/1.1\r\nHost: id.example\r\nUser-Agent: bench/1\r\nAccept: */*\r\n" + c.header + ": " + c.value + "\r\n\r\n"
		b.Run("loopback/"+c.name, func(b *testing.B) {
			addr := f.addr
			if c.app != f.app {
				addr = listen(b, bare())
			}
			benchLoopback(b, addr, raw)
		})
	}
}

func benchHandler(b *testing.B, app *fiber.App, raw string) {
	handler := app.Handler()
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, nil)
	if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
		b.Fatal(err)
	}
	handler(&ctx)
	if status := ctx.Response.StatusCode(); status != fiber.StatusOK {
		b.Fatalf("%d %s", status, ctx.Response.Body())
	}
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		handler(&ctx)
	}
}

func benchLoopback(b *testing.B, addr, raw string) {
	b.ReportAllocs()
	request := []byte(raw)
	b.RunParallel(func(pb *testing.PB) {
		var d net.Dialer
		conn, err := d.DialContext(b.Context(), "tcp4", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		// Answers to the same request have the same length, so that reading them costs
		// the client next to nothing.
		buf := make([]byte, 8<<10)
		_, err = conn.Write(request)
		n, readErr := conn.Read(buf)
		if err != nil || readErr != nil || !bytes.HasPrefix(buf, []byte("HTTP/1.1 200 ")) || buf[n-1] != '}' {
			b.Errorf("%v, %v, %q", err, readErr, buf[:n])
			return
		}
		for pb.Next() {
			if _, err := conn.Write(request); err != nil {
				b.Error(err)
				return
			}
			if _, err := io.ReadFull(conn, buf[:n]); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
