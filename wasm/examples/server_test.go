package examples_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A good password.
const password = "four quiet walruses paint"

// server is a Hexward.
type server struct {
	t         testing.TB
	data, url string
	process   *process
}

// newServer makes one that does not run yet, with a policy, and more settings as lines of its configuration.
func newServer(t testing.TB, policy string, settings ...string) *server {
	t.Helper()
	data := t.TempDir()
	address := "127.0.0.1:" + freePort(t)
	s := &server{t: t, data: data, url: "http://" + address}
	settings = append(settings, "listen: "+address, "ops-listen: off", "mail: file:"+filepath.Join(data, "mail"), "address-limit: off", "mail-limit: off",
		"bundle: public", "policy: "+filepath.Join(data, "policy.yaml"))
	if err := os.WriteFile(s.config(), []byte(strings.Join(settings, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.policy(policy)
	return s
}

func (s *server) config() string { return filepath.Join(s.data, "config.yaml") }

// policy writes the policy that holds from the next start on.
func (s *server) policy(text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.data, "policy.yaml"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// up starts it and waits until it answers.
func (s *server) up() {
	s.t.Helper()
	s.process = start(s.t, s.data, nil, nil, must(s.t, program), "serve", "--config", s.config(), "--data", s.data)
	c := newClient(s.t)
	if _, ok := within(15*time.Second, func() bool {
		a, err := c.try(http.MethodGet, s.url+"/.well-known/hexward-bundle", "")
		return err == nil && a.status == http.StatusOK
	}); !ok {
		s.t.Fatalf("the server does not publish a bundle:\n%s", tail(s.process.log.String()))
	}
}

func (s *server) down() {
	s.t.Helper()
	s.process.stop()
}

// command runs a command of the program in a process of its own, with the server's settings.
func (s *server) command(args ...string) string {
	s.t.Helper()
	hexward := must(s.t, program) // which may have to be built
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, hexward, append(args, "--config", s.config(), "--data", s.data)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.data}
	var errs buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("hexward %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// key is what its workers are set up with.
func (s *server) key() string {
	s.t.Helper()
	return strings.TrimSpace(s.command("bundle", "key", "show"))
}

// person is somebody who has an account and is signed in.
type person struct {
	*client
	server *server
	name   string
	id     string
	cookie string // as a browser sends it to what stands beside the server
	access string // the token in it
}

// register makes an account that is signed in by cookies.
func (s *server) register(name string) *person {
	s.t.Helper()
	p := &person{client: newClient(s.t), server: s, name: name}
	body, err := json.Marshal(map[string]string{"username": name, "email": name + "@example.org", "password": password})
	if err != nil {
		s.t.Fatal(err)
	}
	a := p.do(201, "POST", s.url+"/auth/register", string(body), "Content-Type: application/json")
	p.id = a.text("user.id")
	for _, cookie := range (&http.Response{Header: a.header}).Cookies() {
		if cookie.Path != "/" {
			continue
		}
		p.cookie += "; " + cookie.Name + "=" + cookie.Value
		if strings.Contains(cookie.Name, "access") {
			p.access = cookie.Value
		}
	}
	p.cookie = strings.TrimPrefix(p.cookie, "; ")
	if p.id == "" || p.access == "" {
		s.t.Fatalf("registered as %v with %v", a, a.header)
	}
	return p
}

// signIn signs in once more, and returns an access token.
func (p *person) signIn() string {
	p.t.Helper()
	return p.do(200, "POST", p.server.url+"/auth/login", fmt.Sprintf(`{"login":%q,"password":%q,"delivery":"body"}`, p.name, password),
		"Content-Type: application/json").text("access_token")
}

// signOut ends the session of the cookies.
func (p *person) signOut() {
	p.t.Helper()
	p.do(200, "POST", p.server.url+"/auth/logout", "", "Cookie: "+p.cookie, "Sec-Fetch-Site: same-origin")
}
