package web_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/adapters/web"
)

func TestConfig(t *testing.T) {
	service := exampleService()
	for _, tt := range []struct {
		name string
		c    web.Config
		want []string // parts of the error; none when the settings are good
	}{
		{"https", web.Config{PublicURL: "https://id.example"}, nil},
		{"https with a slash", web.Config{PublicURL: "https://id.example/"}, nil},
		{"https with a port", web.Config{PublicURL: "https://id.example:8443"}, nil},
		{"http on a loopback address", web.Config{PublicURL: "http://127.0.0.1:8080"}, nil},
		{"http on IPv6", web.Config{PublicURL: "http://[::1]:8080"}, nil},
		{"http on localhost", web.Config{PublicURL: "http://localhost:8080"}, nil},
		{"everything", web.Config{
			PublicURL: "https://id.example", BasePath: "/api/auth", FrontEnd: "https://app.example/a?b=c", Origins: []string{"https://app.example"},
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, CookieNames: "my-app", HSTS: time.Hour,
		}, nil},
		{"nothing", web.Config{}, []string{"public URL"}},
		{"http", web.Config{PublicURL: "http://id.example"}, []string{"https unless"}},
		{"http on a host that looks like a loopback address", web.Config{PublicURL: "http://127.0.0.1.evil.example"}, []string{"https unless"}},
		{"path", web.Config{PublicURL: "https://id.example/auth"}, []string{"no path"}},
		{"user", web.Config{PublicURL: "https://a:b@id.example"}, []string{"public URL"}},
		{"another scheme", web.Config{PublicURL: "ftp://id.example"}, []string{"public URL"}},
		{"several at once", web.Config{
			PublicURL: "id.example", BasePath: "auth", FrontEnd: "javascript:alert(1)", Origins: []string{"*", "https://App.example"}, CookieNames: "a b",
			TrustedProxies: []netip.Prefix{{}}, Timeout: -1,
		}, []string{"public URL", "base path", "front end", "allowed origin", `"https://app.example"`, "cookie names", "trusted proxy", "negative"}},
		{"base path with dots", web.Config{PublicURL: "https://id.example", BasePath: "/a/../b"}, []string{"base path"}},
		{"base path with a parameter", web.Config{PublicURL: "https://id.example", BasePath: "/:a"}, []string{"base path"}},
		{"base path with a trailing slash", web.Config{PublicURL: "https://id.example", BasePath: "/a/"}, []string{"base path"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := web.New(service, tt.c)
			if tt.want == nil && err != nil {
				t.Errorf("refused: %v", err)
			}
			for _, part := range tt.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("error %v does not say %q", err, part)
				}
			}
		})
	}
	if _, err := web.New(nil, web.Config{PublicURL: "https://id.example"}); err == nil {
		t.Error("a service is not required")
	}
	for name, mount := range map[string]func() error{
		"Mount":     func() error { _, err := web.Mount(fiber.New(), service, web.Config{}); return err },
		"MountRoot": func() error { _, err := web.MountRoot(fiber.New(), service, web.Config{}); return err },
		"NewGuard":  func() error { _, err := web.NewGuard(service, web.Config{}); return err },
	} {
		if mount() == nil {
			t.Errorf("%s takes any settings", name)
		}
	}
}
