package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Each example in deploy says how Hexward is started for it, in a way that "config
// check" takes; takes care of every header that somebody may be known by or that may
// be taken for another path or method; and is YAML if it says so.
func TestDeploy(t *testing.T) {
	headers := []string{
		"X-Auth-Subject", "X-Auth-Name", "X-Auth-Kind", "X-Auth-Tenant", "X-Auth-Permissions", "X-Auth-Session", "X-Auth-Token",
		"X-Original", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Prefix", "X-HTTP-Method", "X-Method-Override", "Forwarded",
	}
	policy := filepath.Join("deploy", "policy.yaml")
	must(t, "policy", "check", policy)
	for proxy, name := range map[string]string{"nginx": "nginx.conf", "caddy": "Caddyfile", "traefik": "traefik.yaml", "envoy": "envoy.yaml"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("deploy", name))
			if err != nil {
				t.Fatal(err)
			}
			for _, header := range headers {
				if !strings.Contains(strings.ToLower(string(text)), strings.ToLower(header)) {
					t.Errorf("nothing is said of %s", header)
				}
			}
			if strings.HasSuffix(name, ".yaml") {
				var document map[string]any
				if err := yaml.Unmarshal(text, &document); err != nil || len(document) == 0 {
					t.Errorf("%v: %v", err, document)
				}
			}
			start := regexp.MustCompile(`(?m)^#   hexward serve (.*) \\\n#     (.*)$`).FindStringSubmatch(string(text))
			if start == nil {
				t.Fatal("it does not say how Hexward is started")
			}
			args := strings.Fields(strings.Replace(start[1]+" "+start[2], "policy.yaml", policy, 1))
			if !strings.Contains(start[2], "--forward-auth "+proxy+" ") {
				t.Errorf("Hexward is started with %s", start[2])
			}
			must(t, append([]string{"config", "check", "--data", t.TempDir()}, args...)...)
		})
	}
}
