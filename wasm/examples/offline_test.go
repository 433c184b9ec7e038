package examples_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOffline has bundles come by a KV namespace, as a file, and from a place that knows nothing but files.
func TestOffline(t *testing.T) {
	t.Parallel()
	s := newServer(t, examplePolicy(t))
	s.up()
	key := s.key()
	file := filepath.Join(t.TempDir(), "bundle.jws")
	serve := func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) }
	kv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/bundle" {
			http.NotFound(w, r)
			return
		}
		serve(w, r)
	}))
	t.Cleanup(kv.Close)
	cdn := httptest.NewServer(http.HandlerFunc(serve))
	t.Cleanup(cdn.Close)

	edges := map[string]string{
		"kv":   startWorkerd(t, offlineWorker(t), "offline.capnp", []string{"--external-addr=kv=" + strings.TrimPrefix(kv.URL, "http://")}, "BUNDLE_KEY="+key),
		"file": startFile(t, file, key),
		"cdn":  startService(t, staged(t, "node"), cdn.URL, key, node(t), "main.js"),
	}
	ada := s.register("ada")
	bearer := "Authorization: Bearer " + ada.access
	status := func(edge string) (last answer) {
		last, _ = ada.try("GET", edge+"/api/notes", "", bearer)
		return last
	}
	for name, edge := range edges {
		if last := status(edge); last.status != 503 {
			t.Errorf("%s: without a bundle it answers %v", name, last)
		}
	}
	s.command("bundle", "export", "--out", file)
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	await := func(what string, want int) {
		t.Helper()
		for name, edge := range edges {
			took, ok := within(20*time.Second, func() bool { return status(edge).status == want })
			t.Logf("%s: %s after %v", name, what, took)
			if !ok {
				t.Errorf("%s: %s: it answers %v", name, what, status(edge))
			}
		}
	}
	await("the first bundle", 200)
	s.command("user", "ban", "ada")
	s.command("bundle", "export", "--out", file)
	if verified := s.command("bundle", "verify", file, "--keys", keyFile(t, key)); !strings.Contains(verified, "marks     1\n") {
		t.Errorf("the bundle has other marks:\n%s", verified)
	}
	await("refused", 401)

	// Whoever writes there can put an old bundle back, or one of their own, and is not believed.
	for name, text := range map[string]string{"old": string(old), "forged": newPublisher(t).forged(t), "none": "", "page": "<!doctype html>"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond) // the one from the CDN has looked
		for edge, address := range edges {
			if last := status(address); last.status != 401 {
				t.Errorf("%s, %s: it answers %v", edge, name, last)
			}
		}
	}
}

// forged is a bundle that is good but for who signed it.
func (p *publisher) forged(t testing.TB) string {
	t.Helper()
	p.number = time.Now().Add(time.Hour).UnixMilli()
	return string(p.publish(time.Hour))
}

func keyFile(t testing.TB, key string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startFile starts the service in Node that reads bundles from a file.
func startFile(t testing.TB, file, key string) string {
	t.Helper()
	port := freePort(t)
	start(t, staged(t, "node"), []string{"BUNDLE=" + file, "BUNDLE_KEY=" + key, "PORT=" + port}, nil, node(t), "offline.js")
	return listening(t, "http://127.0.0.1:"+port)
}

// offlineWorker stages the worker that reads bundles from KV, with a configuration that says where that is.
func offlineWorker(t testing.TB) (dir string) {
	t.Helper()
	dir = staged(t, "cloudflare")
	config := read(t, "cloudflare/config.capnp")
	for before, after := range map[string]string{
		`embed "worker.js"`: `embed "offline.js"`,
		`(name = "UPSTREAM", fromEnvironment = "UPSTREAM"),`: `(name = "BUNDLES", kvNamespace = "kv"),`,
		`(name = "worker", worker = .worker),`:               `(name = "worker", worker = .worker), (name = "kv", external = (address = "127.0.0.1:1", http = ())),`,
	} {
		if strings.Count(config, before) != 1 {
			t.Fatal(fmt.Errorf("config.capnp does not say %s", before))
		}
		config = strings.Replace(config, before, after, 1)
	}
	if err := os.WriteFile(filepath.Join(dir, "offline.capnp"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
