package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/auth"
	machine "github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// The people and secrets of the tests.
const (
	aliceID       = "0190aaaa-0000-7000-8000-00000000000a"
	rootID        = "0190aaaa-0000-7000-8000-00000000000b"
	bobID         = "0190aaaa-0000-7000-8000-00000000000c"
	alicePassword = "violet kettle marching otter"
	otherPassword = "granite lantern humming sparrow"
	wrongPassword = "copper thimble wandering goose"
	issuer        = "https://id.example"
)

var (
	epoch  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	client = auth.Client{Address: netip.MustParseAddr("203.0.113.7"), Agent: "test/1", Request: "req-1"}
)

// world is every port at once, made of maps. The mocks of world.config call it,
// so it sees each port call: enter counts it, runs what a test hooked to it, and
// fails it where a test says so.
type world struct {
	t       testing.TB
	service *auth.Service

	clockMu sync.Mutex
	now     time.Time
	tick    time.Duration // by which the clock moves at each look

	mu       sync.Mutex // one port call at a time
	users    map[string]user.User
	sessions map[string]session.Session
	mails    map[session.Hash]ports.MailToken
	attempts map[string][]int64
	marks    map[string]token.Mark
	events   []ports.Event
	keys     []ports.SigningKey
	number   int64 // of the latest bundle

	bundleKeys []ports.SigningKey
	tenants    map[string]tenant.Tenant
	clients    map[string]machine.Client
	tokens     map[string]apitoken.Token
	ring       ring
	abroad     map[string]*authority // the issuers, by name
	sent       []ports.Message
	reports    []string
	random     uint64

	calls   []string       // the port calls since the last reset
	counts  map[string]int // how many of each
	before  map[string]func() error
	after   map[string]func() error
	stage   *stage
	cost    []string // the expensive calls, with what they were asked
	secrets map[string]string
}

// newWorld returns a world with alice, bob and the administrator root, and a
// service in it that is loaded. Settings may be changed before.
func newWorld(t testing.TB, change ...func(*auth.Config)) *world {
	t.Helper()
	w := &world{
		t: t, now: epoch,
		users: map[string]user.User{}, sessions: map[string]session.Session{}, mails: map[session.Hash]ports.MailToken{},
		attempts: map[string][]int64{}, marks: map[string]token.Mark{}, secrets: map[string]string{},
		tenants: map[string]tenant.Tenant{}, clients: map[string]machine.Client{}, tokens: map[string]apitoken.Token{},
	}
	w.reset()
	w.addUser(aliceID, "alice", "alice@example.org", alicePassword)
	w.addUser(bobID, "bob", "bob@example.org", otherPassword)
	w.addUser(rootID, "root", "root@example.org", otherPassword, access.Admin)
	for _, id := range []string{tenant.Default, "acme"} {
		w.tenants[id] = tenant.Tenant{ID: id, Name: id, CreatedAt: epoch.Add(-time.Hour), UpdatedAt: epoch.Add(-time.Hour)}
	}
	w.service = w.serve(change...)
	w.secret("alice's password", alicePassword)
	w.secret("the other password", otherPassword)
	w.secret("the wrong password", wrongPassword)
	t.Cleanup(w.scan)
	return w
}

// serve returns another service over the same stores, as another process would
// have.
func (w *world) serve(change ...func(*auth.Config)) *auth.Service {
	w.t.Helper()
	c := w.config()
	for _, f := range change {
		f(&c)
	}
	s, err := auth.New(c)
	if err != nil {
		w.t.Fatalf("New: %v", err)
	}
	if err := s.Load(w.t.Context()); err != nil {
		w.t.Fatalf("Load: %v", err)
	}
	w.reset()
	return s
}

func (w *world) addUser(id, name, address, password string, permissions ...string) user.User {
	n, err := user.ParseName(name)
	if err != nil {
		w.t.Fatal(err)
	}
	mail, err := user.ParseEmail(address)
	if err != nil {
		w.t.Fatal(err)
	}
	u := user.New(id, tenant.Default, n, mail, fakeHash(password), epoch.Add(-time.Hour))
	u.EmailConfirmed = true
	u.Permissions = permissions
	w.users[id] = u
	return u
}

// edit changes a user behind the service's back.
func (w *world) edit(id string, change func(*user.User)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.users[id]
	change(&u)
	w.users[id] = u
}

// clock is the service's.
func (w *world) clock() time.Time {
	w.clockMu.Lock()
	defer w.clockMu.Unlock()
	w.now = w.now.Add(w.tick)
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.clockMu.Lock()
	defer w.clockMu.Unlock()
	w.now = w.now.Add(d)
}

// Read is the service's randomness: different each time, the same in each run.
func (w *world) Read(b []byte) (int, error) {
	if err := w.enter(context.Background(), "Rand.Read"); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := 0; n < len(b); {
		w.random++
		var seed [8]byte
		binary.BigEndian.PutUint64(seed[:], w.random)
		sum := sha256.Sum256(seed[:])
		n += copy(b[n:], sum[:])
	}
	return len(b), nil
}

// enter notes a port call and returns the error that it fails with, if any.
func (w *world) enter(ctx context.Context, call string) error {
	w.yield(ctx, call)
	w.mu.Lock()
	if call != "Rand.Read" { // randomness is no step of a flow, but it can fail
		w.calls = append(w.calls, call)
	}
	w.counts[call]++
	at := fmt.Sprintf("%s#%d", call, w.counts[call])
	hook := w.before[at]
	delete(w.before, at)
	w.mu.Unlock()
	if hook != nil {
		if err := hook(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "canceled", "the call ended early")
	}
	return nil
}

// leave runs what is hooked behind the latest call of that name; it returns the
// error that the call ends with although it was carried out.
func (w *world) leave(call string, err error) error {
	w.mu.Lock()
	at := fmt.Sprintf("%s#%d", call, w.counts[call])
	hook := w.after[at]
	delete(w.after, at)
	w.mu.Unlock()
	if hook != nil {
		if hookErr := hook(); hookErr != nil {
			return hookErr
		}
	}
	return err
}

// do is one port call: enter, the work under the lock, leave.
func (w *world) do(ctx context.Context, call string, work func() error) error {
	if err := w.enter(ctx, call); err != nil {
		return err
	}
	w.mu.Lock()
	err := work()
	w.mu.Unlock()
	w.yield(ctx, call+" done")
	return w.leave(call, err)
}

// reset forgets the calls so far and what is hooked.
func (w *world) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls, w.cost, w.counts = nil, nil, map[string]int{}
	w.before, w.after = map[string]func() error{}, map[string]func() error{}
}

// trace returns the calls since the last reset. Those that run at the same time
// stand in the order of the alphabet.
func (w *world) trace() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return ordered(w.calls)
}

func ordered(calls []string) []string {
	list := slices.Clone(calls)
	for i := 1; i < len(list); i++ {
		pair := [2]string{list[i-1], list[i]}
		if pair == [2]string{"Audit.Record", "Attempts.Update"} || pair == [2]string{"Marks.Add", "Attempts.Update"} {
			list[i-1], list[i] = list[i], list[i-1]
		}
	}
	return list
}

// numbered names each call of a trace so that before and after find it.
func numbered(calls []string) []string {
	counts := map[string]int{}
	list := make([]string, len(calls))
	for i, c := range calls {
		counts[c]++
		list[i] = fmt.Sprintf("%s#%d", c, counts[c])
	}
	return list
}

// secret adds a text that must not be found in the audit log or a report.
func (w *world) secret(what, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(text) >= 8 {
		w.secrets[what+" "+text] = text
	}
}

func (w *world) grantSecrets(g *auth.Grant) {
	if g != nil {
		w.secret("a session cookie", g.Cookie)
		w.secret("an access token", g.Access)
		w.secret("a refresh token", g.Refresh)
	}
}

// scan fails the test when a secret went where it must not.
func (w *world) scan() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range w.users {
		if u.PasswordHash != "" {
			w.secrets["a password hash"] = u.PasswordHash
		}
	}
	texts := slices.Clone(w.reports)
	for _, e := range w.events {
		texts = append(texts, fmt.Sprintf("%+v", e))
	}
	all := strings.Join(texts, "\n")
	for what, text := range w.secrets {
		if strings.Contains(all, text) {
			w.t.Errorf("the audit log or a report has %s", what)
		}
	}
}

// clean fails the test when an error's text has a secret.
func (w *world) clean(err error) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for what, text := range w.secrets {
		if err != nil && strings.Contains(err.Error(), text) {
			w.t.Errorf("an error has %s: %v", what, err)
		}
	}
}

// login signs somebody in and fails the test when that fails.
func (w *world) login(name, password string) *auth.Grant {
	w.t.Helper()
	g, err := w.service.Login(w.t.Context(), auth.PasswordLogin{Login: name, Password: password, Captcha: "human"}, client)
	if err != nil {
		w.t.Fatalf("login of %s: %v", name, err)
	}
	w.grantSecrets(g)
	return g
}

// signedIn returns the principal of a new session of alice, remembered by the
// cache, and its grant.
func (w *world) signedIn() (*access.Principal, *auth.Grant) {
	w.t.Helper()
	g := w.login("alice", alicePassword)
	p := w.principal(g)
	w.reset()
	return p, g
}

func (w *world) principal(g *auth.Grant) *access.Principal {
	w.t.Helper()
	id, err := w.service.Authenticate(w.t.Context(), auth.Credentials{Session: g.Cookie})
	if err != nil {
		w.t.Fatalf("authenticate: %v", err)
	}
	return id.Principal
}

// root returns the administrator, who shows no session of their own.
func (w *world) root() *access.Principal {
	return &access.Principal{
		Kind: access.User, Via: access.SessionCookie, Subject: rootID, Name: "root",
		Tenant: tenant.Default, Permissions: []string{access.Admin}, Session: "0190aaaa-0000-7000-8000-0000000000ff",
	}
}

func (w *world) user(id string) user.User {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.users[id]
}

func (w *world) sessionsOf(userID string) []session.Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []session.Session
	for _, s := range w.sessions {
		if s.UserID == userID {
			list = append(list, s)
		}
	}
	return list
}

func (w *world) mailbox() []ports.Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sent)
}

// link returns the secret of the latest mailed link.
func (w *world) link() string {
	w.t.Helper()
	box := w.mailbox()
	for i := len(box) - 1; i >= 0; i-- {
		if box[i].Link != "" {
			s := box[i].Link[strings.LastIndexByte(box[i].Link, '/')+1:]
			w.secret("a mailed secret", s)
			return s
		}
	}
	w.t.Fatal("no link was mailed")
	return ""
}

// log returns the audit log as "action outcome actor→subject", with the ids of
// the people as names.
func (w *world) log() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for _, e := range w.events {
		lines = append(lines, fmt.Sprintf("%s %s %s→%s", e.Action, e.Outcome, nickname(e.Actor), nickname(e.Subject)))
	}
	return lines
}

func nickname(id string) string {
	switch id {
	case aliceID:
		return "alice"
	case bobID:
		return "bob"
	case rootID:
		return "root"
	case robotID:
		return "robot"
	case "", "operator":
		return id
	}
	if strings.Count(id, "-") == 4 {
		return "new"
	}
	return id
}

// outcome tells an error in two words, and "ok" when there is none.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return fault.KindOf(err).String() + " " + fault.CodeOf(err)
}

func miss() error { return fault.New(fault.NotFound, "miss", "there is none") }

var errDown = fault.New(fault.Unavailable, "down", "the store is down")

func fakeHash(password string) string {
	sum := sha256.Sum256([]byte(password))
	return "$fake$" + hex.EncodeToString(sum[:])
}

// oldHash is a hash of a kind that is replaced at the next sign-in.
func oldHash(password string) string { return "$old" + fakeHash(password) }

func (w *world) hash(ctx context.Context, password string) (string, error) {
	var h string
	err := w.do(ctx, "Hasher.Hash", func() error {
		h = fakeHash(password)
		w.cost = append(w.cost, "hash")
		return nil
	})
	if err != nil {
		return "", err
	}
	return h, nil
}

func (w *world) verify(ctx context.Context, hash, password string) (matches, outdated bool, err error) {
	err = w.do(ctx, "Hasher.Verify", func() error {
		kind := "real"
		if hash == "" {
			kind = "empty"
		}
		w.cost = append(w.cost, "verify "+kind)
		current, old := strings.CutPrefix(strings.TrimPrefix(hash, "$new"), "$old")
		matches = hash != "" && current == fakeHash(password)
		outdated = matches && old
		return nil
	})
	if err != nil {
		return false, false, err
	}
	return matches, outdated, nil
}

// clash returns the Conflict of a user with others, under the lock.
func (w *world) clash(u user.User) error {
	for id, other := range w.users {
		if id != u.ID && other.Name.Key() == u.Name.Key() {
			return fault.New(fault.Conflict, "username_taken", "taken")
		}
	}
	for id, other := range w.users {
		if id != u.ID && !u.Email.IsZero() && other.Email.Key() == u.Email.Key() {
			return fault.New(fault.Conflict, "email_taken", "taken")
		}
	}
	return nil
}

func copyUser(u user.User) user.User {
	u.Permissions = slices.Clone(u.Permissions)
	if u.Ban != nil {
		b := *u.Ban
		u.Ban = &b
	}
	return u
}

func markKey(m token.Mark) string { return m.Kind.String() + " " + m.Value }

func (w *world) addMark(m token.Mark) {
	if old, ok := w.marks[markKey(m)]; ok {
		m.Before, m.Until = max(m.Before, old.Before), max(m.Until, old.Until)
	}
	w.marks[markKey(m)] = m
}

func (w *world) listMarks() []token.Mark { return slices.Collect(maps.Values(w.marks)) }

func (w *world) report(_ context.Context, doing string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, doing+": "+err.Error())
}

func (w *world) seal(plain, associated []byte) ([]byte, error) {
	if err := w.enter(context.Background(), "Sealer.Seal"); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(associated)
	return append(sum[:], flip(plain)...), nil
}

func (w *world) open(sealed, associated []byte) ([]byte, error) {
	if err := w.enter(context.Background(), "Sealer.Open"); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(associated)
	if len(sealed) < len(sum) || string(sealed[:len(sum)]) != string(sum[:]) {
		return nil, errors.New("sealed for another place")
	}
	return flip(sealed[len(sum):]), nil
}

func flip(b []byte) []byte {
	out := slices.Clone(b)
	for i := range out {
		out[i] ^= 0x5a
	}
	return out
}
