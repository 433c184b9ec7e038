package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// signing is a secret that tokens may be signed with.
const signing = "hush-kq3Vx8ZtR1mWp5Yd7LfG2nBsT9cHjE4aQ0u"

const key = "abababababababababababababababababababababababababababababababab"

// What is refused, and with which words.
func TestConfig_refused(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := os.WriteFile(open, []byte("hush"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o604); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args string
		want string
	}{
		{"bundle_mode", "--bundle yes", "bundle: is public, secret or off"},
		{"bundle_without_its_secret", "--bundle secret", "bundle-secret: is needed"},
		{"bundle_public_with_a_secret", "--bundle public --bundle-secret " + signing, "bundle: is public although there is a secret"},
		{"bundle_off_with_a_secret", "--bundle-secret " + signing, "bundle: is off although there is a secret"},
		{"bundle_secret_short", "--bundle secret --bundle-secret 5Xh2kd9QwTz", "bundle-secret: has 11 bytes"},
		{"bundle_secret_no_token", "--bundle secret --bundle-secret 7f1c9e2ab4d8035e6a9bc1,f27d4e8035", "bundle-secret: has letters"},
		{"bundle_secret_twice", "--bundle secret --bundle-secret " + signing + " --bundle-secret-file x", "bundle-secret"},
		{"bundle_secret_file", "--bundle secret --bundle-secret-file " + open, "bundle-secret"},
		{"bundle_life", "--bundle public --bundle-life 59s", "bundle-life: is 1m to 744h"},
		{"bundle_life_long", "--bundle public --bundle-life 745h", "bundle-life: is 1m to 744h"},
		{"bundle_api_tokens_for_anybody", "--bundle public --bundle-api-tokens", "bundle-api-tokens: the bundle would tell anybody"},
		{"bundle_api_tokens_for_nobody", "--bundle-api-tokens", "bundle-api-tokens: the bundle would tell anybody"},
		{"http_on_the_net", "--public-url http://id.example.com", "in the clear"},
		{"http_uppercase", "--public-url HTTP://ID.example.com", "in the clear"},
		{"http_looks_local", "--public-url http://localhost.example.com", "in the clear"},
		{"http_looks_like_loopback", "--public-url http://127.0.0.1.example.com", "in the clear"},
		{"other_scheme", "--public-url ftp://id.example.com", "is not a URL like"},
		{"no_scheme", "--public-url id.example.com", "is not a URL like"},
		{"path", "--public-url https://id.example.com/auth", "base-path"},
		{"query", "--public-url https://id.example.com/?a=b", "only"},
		{"user_in_url", "--public-url https://me:pw@id.example.com", "only"},
		{"open_without_url", "--listen 0.0.0.0:8080", "public-url: is needed"},
		{"open_ipv6_without_url", "--listen [::]:8080", "public-url: is needed"},
		{"every_interface_without_url", "--listen :8080", "public-url: is needed"},
		{"open_with_http", "--listen 0.0.0.0:8080 --public-url http://localhost:8080", "listen: 0.0.0.0:8080 can be reached"},
		{"no_port", "--listen 127.0.0.1", "listen: \"127.0.0.1\" is not a host and a port"},
		{"port_out_of_range", "--listen 127.0.0.1:65536", "is not a host and a port"},
		{"ops_the_same", "--ops-listen 127.0.0.1:8080", "ops-listen: is the address of listen"},
		{"certificate_without_key", "--tls-cert cert.pem", "give both, or neither"},
		{"base_without_slash", "--base-path auth", "base-path"},
		{"base_with_slash_at_the_end", "--base-path /auth/", "base-path"},
		{"base_of_nothing", "--base-path /", "base-path"},
		{"base_with_dots", "--base-path /auth/../x", "base-path"},
		{"base_doubled", "--base-path //auth", "base-path"},
		{"base_escaped", "--base-path /a%2Fb", "base-path"},
		{"base_pattern", "--base-path /:id", "base-path"},
		{"base_taken", "--base-path /admin/auth", "choose another one"},
		{"base_taken_by_a_page", "--base-path /confirm", "choose another one"},
		{"front_end_elsewhere", "--front-end https://evil.example", "front-end"},
		{"front_end_scheme_relative", "--front-end //evil.example", "front-end"},
		{"front_end_backslash", `--front-end /\evil.example`, "front-end"},
		{"front_end_script", "--front-end javascript:alert(1)", "front-end"},
		{"proxies_everybody", "--trusted-proxies 0.0.0.0/0", "claim any client address"},
		{"proxies_everybody_v6", "--trusted-proxies ::/0", "claim any client address"},
		{"proxies_half", "--trusted-proxies 0.0.0.0/1", "claim any client address"},
		{"proxies_name", "--trusted-proxies proxy.example.com", "neither an address nor a network"},
		{"cors_wildcard", "--cors-origins *", "list each origin exactly"},
		{"cors_null", "--cors-origins null", "list each origin exactly"},
		{"cors_wildcard_host", "--cors-origins https://*.example.com", "list each origin exactly"},
		{"cors_path", "--cors-origins https://app.example.com/", "is not an origin"},
		{"cors_http", "--cors-origins http://app.example.com", "http:// is for loopback only"},
		{"log", "--log-format xml", "log-format"},
		{"registration", "--registration public", "registration: is open, verified or closed"},
		{"short_passwords", "--password-min 7", "password-min"},
		{"site_two_lines", "--site a\nb", "site"},
		{"site_empty", "--site=", "site"},
		{"access_life", "--access-life 48h", "access-life: is 1m to 24h"},
		{"idle", "--idle 59s", "idle: is 1m"},
		{"absolute_less_than_idle", "--absolute 1h", "absolute"},
		{"no_algorithm", "--algorithm none", "EdDSA, ES256, RS256 or HS256"},
		{"weak_algorithm", "--algorithm HS512", "EdDSA, ES256, RS256 or HS256"},
		{"cache", "--session-cache 0", "session-cache"},
		{"weak_hash", "--hash-memory 64", "hash-memory"},
		{"permits", "--hash-permits -1", "hash-permits"},
		{"mail", "--mail pigeon", "mail: is smtp, console or file:DIR"},
		{"mail_nowhere", "--mail file:", "mail: is smtp, console or file:DIR"},
		{"mail_twice", "--mail console --smtp-host mail.example.com", "the one or the other"},
		{"smtp_without_sender", "--smtp-host mail.example.com", "mail-from: is needed"},
		{"smtp_without_host", "--mail smtp --mail-from a@example.com", "smtp-host: is needed"},
		{"smtp_in_the_clear", "--smtp-host mail.example.com --mail-from a@example.com --smtp-tls none", "in the clear"},
		{"smtp_user_alone", "--smtp-host mail.example.com --mail-from a@example.com --smtp-user me", "give both, or neither"},
		{"smtp_port", "--smtp-host mail.example.com --mail-from a@example.com --smtp-port 65536", "smtp-port"},
		{"sender", "--mail-from nobody", "mail-from"},
		{"captcha", "--captcha picture", "captcha: is recaptcha"},
		{"captcha_without_secret", "--captcha turnstile", "captcha-secret: is needed"},
		{"captcha_secret_alone", "--captcha-secret hush", "give the provider"},
		{"secret_file_for_everybody", "--captcha turnstile --captcha-secret-file " + open, "everybody on this machine may read it (mode 0604): chmod 600"},
		{"smtp_password_without_host", "--smtp-password hush", "the one or the other"},
		{"secret_file_missing", "--captcha turnstile --captcha-secret-file " + filepath.Join(dir, "none"), "no such file"},
		{"secret_twice", "--captcha turnstile --captcha-secret a --captcha-secret-file " + open, "both given"},
		{"secret_is_the_mask", "--captcha turnstile --captcha-secret ********", "is the mask"},
		{"master_key_short", "--master-key abcd", "master-key"},
		{"master_key_twice", "--master-key " + key + " --master-key-file " + open, "both given"},
		{"data_empty", "--data=", "data: is empty"},
		{"token_cache", "--token-cache=-1", "token-cache: is 0 to"},
		{"token_cache_for_long", "--token-cache-ttl 2h", "token-cache-ttl: is 0s to 1h"},
		{"overlap", "--secret-overlap=-1h", "secret-overlap: is 0s to"},
		{"vouched_for_long", "--vouch-life 2h", "vouch-life: is 10s to 1h"},
		{"forward_to_nobody", "--forward-auth apache --trusted-proxies 10.0.0.1", "forward-auth: is nginx, traefik, caddy, envoy or off"},
		{"forward_for_anybody", "--forward-auth nginx", "forward-auth: trusted-proxies is needed"},
		{"forward_token_alone", "--forward-token", "forward-token: is for the proxy"},
		{"signing_secret_short", "--signing-secret hush-hush-hush-hush-hush-hush-h", "signing-secret: has 31 bytes, and needs 32"},
		{"signing_secret_repeats", "--signing-secret hush-2Q9hush-2Q9hush-2Q9hush-2Q9hush-2Q9", "signing-secret: repeats itself"},
		{"signing_secret_counts", "--signing-secret hush0123456789abcdefghijklmnopqrstuvwxyz", "signing-secret: repeats itself, or counts up"},
		{"signing_secret_of_two", "--signing-secret hush2h2uhs2h2u2s2h2uhh2s22uhs22h2u2s2h2h2uh", "signing-secret: has too few different characters"},
		{"signing_secret_placeholder", "--signing-secret hush-CHANGE-ME-kq3Vx8ZtR1mWp5Yd7LfG2nBs", "signing-secret: reads like a placeholder"},
		{"signing_secret_of_a_tutorial", "--signing-secret 09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", "signing-secret: is an example that everybody knows"},
		{"signing_secret_otherwise", "--algorithm EdDSA --signing-secret " + signing, "algorithm: is EdDSA, but a signing secret is for HS256"},
		{"signing_secret_twice", "--signing-secret " + signing + " --signing-secret-file " + open, "both given"},
		{"signing_secret_for_everybody", "--signing-secret-file " + open, "everybody on this machine may read it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"config", "check", "--data", filepath.Join(dir, "data")}, strings.Split(tt.args, " ")...)
			stdout, stderr, code := command(t, "", args...)
			if code != 2 || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, %q is not said: %s%s", code, tt.want, stdout, stderr)
			}
			if strings.Contains(stderr, "\n  - ") {
				t.Errorf("more than the one problem is said: %s", stderr)
			}
			if strings.Contains(stderr, "hush") || strings.Contains(stderr, key) {
				t.Errorf("a secret is said: %s", stderr)
			}
			if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
				t.Error("a check has made the data directory")
			}
		})
	}
}

func TestConfig_good(t *testing.T) {
	dir := t.TempDir()
	for name, args := range map[string]string{
		"nothing":          "",
		"behind_a_proxy":   "--listen 0.0.0.0:8080 --public-url https://id.example.com --trusted-proxies 10.1.2.3,fd00::/64 --base-path /api/users",
		"trailing_slash":   "--public-url https://id.example.com/",
		"localhost":        "--public-url http://localhost:3000 --cors-origins http://localhost:5173,https://app.example.com",
		"front_end":        "--cors-origins https://app.example.com --front-end https://app.example.com/welcome",
		"front_end_path":   "--front-end /welcome",
		"smtp":             "--smtp-host mail.example.com --mail-from a@example.com --smtp-user me --smtp-password pw",
		"smtp_on_loopback": "--smtp-host 127.0.0.1 --mail-from a@example.com --smtp-tls none",
		"captcha":          "--captcha hcaptcha --captcha-secret hush",
		"master_key":       "--master-key " + key,
		"no_limits":        "--account-limit off --address-limit 100/1h",
		"no_operations":    "--ops-listen off",
		"algorithm":        "--algorithm HS256",
		"signing_secret":   "--signing-secret " + signing,
		"signing_hex":      "--algorithm HS256 --signing-secret 7f1c9e2ab4d8035e6a9bc1f27d4e8035",
		"forward":          "--forward-auth caddy --trusted-proxies 127.0.0.1 --forward-token --vouch-life 30s",
		"bundle":           "--bundle public --bundle-life 744h",
		"bundle_secret":    "--bundle secret --bundle-api-tokens --bundle-secret " + signing,
		"no_token_cache":   "--token-cache 0 --token-cache-ttl 0s --secret-overlap 0s",
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"config", "check", "--data", filepath.Join(dir, "data")}, strings.Fields(args)...)
			if stdout, stderr, code := command(t, "", args...); code != 0 {
				t.Errorf("exit code %d: %s%s", code, stdout, stderr)
			}
		})
	}
}

// Flags come before the environment, the environment before the file.
func TestConfig_sources(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "hexward.yaml")
	text := `
site: from the file
idle: 3h
access-life: 7m
smtp:
  host: mail.example.com
  port: 2525
  password-file: ` + filepath.Join(dir, "password") + `
mail-from: no-reply@example.com
smtp-user: me
cors-origins: [https://a.example.com, https://b.example.com]
account-limit: 5/1h
debug: true
audience:
`
	for name, text := range map[string]string{file: text, filepath.Join(dir, "password"): "hush-hush\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{
		"HEXWARD_CONFIG": file, "HEXWARD_SITE": "from the environment", "HEXWARD_IDLE": "4h", "HEXWARD_MASTER_KEY": key,
		"HEXWARD_TRUSTED_PROXIES": "10.0.0.1,10.0.0.2", "HEXWARD_DATA": dir,
	}
	stdout, stderr, code := commandWith(t, env, "", "config", "print", "--json", "--site", "from a flag")
	if code != 0 {
		t.Fatal(stderr)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"site": "from a flag", "idle": "4h", "access-life": "7m", "absolute": "168h", "smtp-host": "mail.example.com", "smtp-port": 2525.0,
		"account-limit": "5/1h", "debug": true, "master-key": "********", "audience": "", "smtp-password": "",
		"cors-origins": "[https://a.example.com https://b.example.com]", "trusted-proxies": "[10.0.0.1 10.0.0.2]",
	} {
		have := got[name]
		if list, ok := have.([]any); ok {
			words := make([]string, len(list))
			for i, v := range list {
				words[i], _ = v.(string)
			}
			have = "[" + strings.Join(words, " ") + "]"
		}
		if have != want {
			t.Errorf("%s is %v, not %v", name, have, want)
		}
	}

	stdout, stderr, code = commandWith(t, env, "", "config", "print")
	if code != 0 {
		t.Fatal(stderr)
	}
	for _, want := range []string{"idle: 4h # from HEXWARD_IDLE", "access-life: 7m # from " + file + ": access-life"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	for _, secret := range []string{"hush", key} {
		if strings.Contains(stdout+stderr, secret) {
			t.Errorf("%q is printed", secret)
		}
	}
	var again map[string]any
	if err := yaml.Unmarshal([]byte(stdout), &again); err != nil || len(again) != len(got) {
		t.Errorf("what is printed is no configuration file of %d settings: %v", len(got), err)
	}
}

// What config print says of a good configuration without secrets is that
// configuration.
func TestConfig_printed_is_read(t *testing.T) {
	dir := t.TempDir()
	args := []string{"--data", dir, "--idle", "90m", "--cors-origins", "https://a.example.com", "--site", "A: \"site\" #1", "--mail-limit", "off"}
	first := must(t, append([]string{"config", "print"}, args...)...)
	file := filepath.Join(dir, "hexward.yaml")
	if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
		t.Fatal(err)
	}
	second := must(t, "config", "print", "--config", file)
	plain := func(s string) string {
		var b strings.Builder
		for line := range strings.Lines(s) {
			line, _, _ = strings.Cut(line, " # from ")
			b.WriteString(strings.TrimSpace(line) + "\n")
		}
		return b.String()
	}
	if plain(first) != plain(second) {
		t.Errorf("printed\n%s\nand read as\n%s", first, second)
	}
}

// All that is wrong with a file and the environment is said at once, without
// repeating a secret.
func TestConfig_every_problem(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "hexward.yaml")
	text := `
listn: 127.0.0.1:1
smtp:
  hst: mail.example.com
  password: hush-hush
idle: soon
publicURL: https://id.example.com
base_path: /x
site: [a, {b: c}]
debug: perhaps
registration: everybody
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := commandWith(t, map[string]string{"HEXWARD_PASSWORD_MIN": "many", "HEXWARD_MAIL_LIMIT": "5"}, "", "config", "check", "--config", file, "--data", dir)
	for _, want := range []string{
		"no setting listn; did you mean listen?", "no setting smtp-hst; did you mean smtp-host?", "has smtp-password and everybody", "idle: ",
		"did you mean public-url?", "did you mean base-path?", "line 9: site is a list of plain values", "debug: ", "registration: is open",
		"HEXWARD_PASSWORD_MIN: ", "HEXWARD_MAIL_LIMIT: a limit is", "settings of smtp",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not said", want)
		}
	}
	if code != 2 || strings.Contains(stderr, "hush") || t.Failed() {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for name, text := range map[string]string{
		"not YAML": "a: b: c", "twice": "idle: 1h\nidle: 2h", "twice another way": "smtp-host: a\nsmtp:\n  host: b", "a list": "- idle",
		"a scalar": "idle", "billion laughs": "site: " + strings.Repeat("x", 2<<20),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, stderr, code := command(t, "", "config", "check", "--config", file, "--data", dir); code != 2 || !strings.Contains(stderr, file) {
			t.Errorf("%s: exit code %d: %s", name, code, stderr)
		}
	}
	if _, stderr, code := command(t, "", "config", "check", "--config", filepath.Join(dir, "none")); code != 2 || !strings.Contains(stderr, "no such file") {
		t.Errorf("no file: exit code %d: %s", code, stderr)
	}
}
