package web_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/adapters/keyring"
	"github.com/hexward/hexward/adapters/memory"
	"github.com/hexward/hexward/adapters/sealer"
	"github.com/hexward/hexward/adapters/signer"
	"github.com/hexward/hexward/adapters/web"
	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

const (
	publicURL = "https://id.example"
	password  = "seven green lanterns hum"
	newSecret = "eleven quiet harbours wait"
)

// fixture is a running server over the memory adapter.
type fixture struct {
	testing.TB
	service *auth.Service
	store   *memory.Store
	app     *fiber.App
	url     string // of the listener
	addr    string
	log     *logBuffer
	mails   *mailbox
	clock   atomic.Int64 // how far it was put forward
}

// options change the fixture before it starts.
type options struct {
	auth func(*auth.Config)
	web  func(*web.Config)
	app  func(*fixture, web.Config) *fiber.App // in the place of web.New
}

func newFixture(t testing.TB, o options) *fixture {
	t.Helper()
	f := &fixture{TB: t, store: memory.New(), log: &logBuffer{}, mails: &mailbox{}}
	f.service = newService(t, f, o.auth)
	c := web.Config{PublicURL: publicURL, Bundles: true, Log: slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if o.web != nil {
		o.web(&c)
	}
	if o.app != nil {
		f.app = o.app(f, c)
	} else {
		app, err := web.New(f.service, c)
		if err != nil {
			t.Fatal(err)
		}
		f.app = app
	}
	f.addr = listen(t, f.app)
	f.url = "http://" + f.addr
	return f
}

// listen runs an app on a loopback port until the test ends.
func listen(t testing.TB, app *fiber.App) (addr string) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(l) }()
	t.Cleanup(func() {
		client.CloseIdleConnections()
		_ = app.ShutdownWithTimeout(2 * time.Second) // connections that a test left open are cut off
		_ = l.Close()                                // in case it had not begun to serve
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Error("the server did not stop")
		}
	})
	return l.Addr().String()
}

func newService(t testing.TB, f *fixture, change func(*auth.Config)) *auth.Service {
	t.Helper()
	seals, err := sealer.New(bytes.Repeat([]byte{7}, sealer.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.New(seals)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := session.NewSeal(bytes.Repeat([]byte{9}, session.SealKeySize))
	if err != nil {
		t.Fatal(err)
	}
	s := f.store
	c := auth.Config{
		Users: s.Users(), Sessions: s.Sessions(), SessionSets: s.SessionSets(),
		MailTokens: s.MailTokens(), Attempts: s.Attempts(), Marks: s.Marks(), Audit: s.Audit(), Keys: s.Keys(), Identities: s.Identities(),
		Tenants: s.Tenants(), Directory: s.Directory(), Machines: s.Machines(), APITokens: s.APITokens(),
		Keyring: ring, Signer: signer.New(), Sealer: seals, Hasher: quickHash{}, Mailer: f.mails,
		Seal: seal, Rand: rand.Reader,
		Now:      func() time.Time { return time.Now().Add(time.Duration(f.clock.Load())) },
		Report:   func(_ context.Context, doing string, err error) { t.Errorf("reported: %s: %v", doing, err) },
		Edge:     &auth.Edge{Keys: s.BundleKeys(), Numbers: s.BundleNumbers(), Site: web.Config{PublicURL: publicURL}.Edge()},
		Settings: auth.DefaultSettings(publicURL),
	}
	c.Settings.AddressLimit = user.Limit{} // tests come from one address
	if change != nil {
		change(&c)
	}
	service, err := auth.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Load(context.Background()); err != nil {
		t.Fatal(err)
	}
	return service
}

// quickHash stands in for argon2id, whose cost is not under test here.
type quickHash struct{}

func (quickHash) Hash(_ context.Context, password string) (string, error) {
	sum := sha256.Sum256([]byte(password))
	return "$quick$" + hex.EncodeToString(sum[:]), nil
}

func (q quickHash) Verify(ctx context.Context, hash, password string) (bool, bool, error) {
	want, err := q.Hash(ctx, password)
	return hash == want, false, err
}

// mailbox takes every mail.
type mailbox struct {
	mu   sync.Mutex
	sent []ports.Message
}

func (m *mailbox) Send(_ context.Context, msg ports.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, msg)
	return nil
}

// token returns the secret of the latest mail of a kind to an address.
func (f *fixture) mailed(kind, to string) string {
	f.Helper()
	f.mails.mu.Lock()
	defer f.mails.mu.Unlock()
	for i := len(f.mails.sent) - 1; i >= 0; i-- {
		if m := f.mails.sent[i]; m.Kind == kind && m.To == to {
			return path.Base(m.Link)
		}
	}
	f.Fatalf("no mail %q to %s in %v", kind, to, f.mails.sent)
	return ""
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// answer is a response, read.
type answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   string
	sets   map[string]*http.Cookie
}

// code returns the code of a problem.
func (a answer) code() string {
	var p struct{ Code string }
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		a.t.Helper()
		a.t.Fatalf("%d with a body that is no problem: %q", a.Status, a.Body)
	}
	return p.Code
}

// into decodes the body.
func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		a.t.Fatalf("%d %q: %v", a.Status, a.Body, err)
	}
}

// want fails the test unless the status is this one, and the code if it is not "".
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if a.Status != status || code != "" && a.code() != code {
		a.t.Fatalf("answer %d %s, want %d %s", a.Status, a.Body, status, code)
	}
	return a
}

// browser is one client: it keeps cookies by name, whatever their attributes.
type browser struct {
	*fixture
	cookies map[string]string
	header  http.Header // of every request
}

func (f *fixture) browser() *browser {
	return &browser{f, map[string]string{}, http.Header{"Sec-Fetch-Site": {"same-origin"}}}
}

var client = &http.Client{
	Timeout:       10 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// do sends a request. body is a string as it is, or a value as JSON; extra are
// header names and values.
func (b *browser) do(method, path string, body any, extra ...string) answer {
	b.Helper()
	header := b.header.Clone()
	if len(b.cookies) > 0 {
		var pairs []string
		for name, value := range b.cookies {
			pairs = append(pairs, name+"="+value)
		}
		header.Set("Cookie", strings.Join(pairs, "; "))
	}
	for i := 0; i+1 < len(extra); i += 2 {
		header.Add(extra[i], extra[i+1])
	}
	a := b.send(method, path, body, header)
	for name, c := range a.sets {
		if c.MaxAge > 0 {
			b.cookies[name] = c.Value
		} else {
			delete(b.cookies, name)
		}
	}
	return a
}

func (f *fixture) send(method, path string, body any, header http.Header) answer {
	f.Helper()
	var r io.Reader
	switch v := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(v)
	default:
		text, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, f.url+path, r)
	if err != nil {
		f.Fatal(err)
	}
	req.Header = header
	if r != nil && header["Content-Type"] == nil {
		header.Set("Content-Type", "application/json")
	}
	res, err := client.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	a := answer{t: f.TB, Status: res.StatusCode, Header: res.Header, Body: string(text), sets: map[string]*http.Cookie{}}
	for _, c := range res.Cookies() {
		a.sets[c.Name] = c
	}
	return a
}

type fields map[string]any

// register makes a user and signs them in by cookie.
func (b *browser) register(name string) *browser {
	b.Helper()
	b.do("POST", "/auth/register", fields{"username": name, "email": name + "@mail.example", "password": password}).want(201, "")
	return b
}

// user returns the user whom a browser is signed in as.
func (b *browser) user() (u userAnswer) {
	b.Helper()
	b.do("GET", "/auth/me", nil).want(200, "").into(&u)
	return u
}

type userAnswer struct {
	ID, Username, Email, Tenant string
	EmailConfirmed              bool `json:"email_confirmed"`
	Permissions                 []string
}

// tokens signs a user in by body.
func (f *fixture) tokens(login string) (t tokenAnswer) {
	f.Helper()
	f.browser().do("POST", "/auth/login", fields{"login": login, "password": password, "delivery": "body"}).want(200, "").into(&t)
	return t
}

type tokenAnswer struct {
	User         userAnswer
	Delivery     string
	TokenType    string `json:"token_type"`
	AccessToken  string `json:"access_token"`
	Access       string
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
}

// admin returns a signed-in administrator.
func (f *fixture) admin() *browser {
	f.Helper()
	operator := access.Operator("test")
	_, err := f.service.AddUser(context.Background(), &operator,
		auth.NewUser{Username: "root", Email: "root@mail.example", Password: password}, []string{access.Admin}, auth.Client{})
	if err != nil {
		f.Fatal(err)
	}
	b := f.browser()
	b.do("POST", "/auth/login", fields{"login": "root", "password": password}).want(200, "")
	return b
}

// bearer returns a client that shows an access token and is no browser.
func (f *fixture) bearer(token string) *browser {
	return &browser{f, map[string]string{}, http.Header{"Authorization": {"Bearer " + token}}}
}

// viaProxy is where the tests' requests come from, as a trusted proxy.
var viaProxy = netip.MustParsePrefix("127.0.0.0/8")

var (
	webClient  = auth.Client{Request: "test"}
	portsQuery = ports.EventQuery{Limit: 1000}
)

// login signs a user in by cookie.
func (f *fixture) login(name string) *browser {
	f.Helper()
	b := f.browser()
	b.do("POST", "/auth/login", fields{"login": name, "password": password}).want(200, "")
	return b
}
