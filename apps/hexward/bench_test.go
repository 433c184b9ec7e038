package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/crypto/argon2"

	"github.com/hexward/hexward/adapters/passhash"
	"github.com/hexward/hexward/adapters/sealer"
	"github.com/hexward/hexward/adapters/sqlite"
	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
	"github.com/hexward/hexward/core/user"
)

// asBare makes the test binary a server of one handler that does nothing, on the
// address that it is set to.
const asBare = "HEXWARD_TEST_AS_BARE"

// binary names a built program to measure in the place of the test binary.
const binary = "HEXWARD_BINARY"

// bare is what a Fiber handler costs that checks nothing.
func bare() *fiber.App {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/auth/verify", func(c *fiber.Ctx) error {
		return c.JSON(fiber.Map{"subject": "0199a0b0-0000-7000-8000-000000000001", "name": "alice", "tenant": "default"})
	})
	return app
}

// measured makes a command one whose CPU time is compared: the built program, if
// there is one, on one core.
func measured(t testing.TB, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	if path := os.Getenv(binary); path != "" {
		absolute, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path = absolute
	}
	cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	return cmd
}

// connections is how many clients there are at a time.
const connections = 64

// BenchmarkServer measures the program as a whole, as a process of its own on one
// core: cpu-ns/op is the processor time that a request takes it, network
// included, and ns/op the time between answers of 64 clients.
func BenchmarkServer(b *testing.B) {
	// A benchmark's function is called several times, with more and more to do; what
	// it works on is made once.
	staged := func(sessions int, args ...string) func() *stage {
		return sync.OnceValue(func() *stage { return newStage(b, sessions, args...) })
	}
	trusting := sync.OnceValue(func() *stage { return newTrustingStage(b) })
	one, few, many, none := staged(1), staged(connections), staged(20_000, "--session-cache", "64"), staged(0)
	b.Run("bare", func(b *testing.B) {
		address := "127.0.0.1:" + freePort(b)
		cmd := program()
		cmd.Env = []string{asBare + "=" + address, "GOMAXPROCS=1"}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		defer func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}()
		if !within(10*time.Second, func() bool {
			c, err := new(net.Dialer).DialContext(b.Context(), "tcp", address)
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		}) {
			b.Fatal("the bare server is not there")
		}
		load(b, cmd.Process.Pid, address, func(int64) string { return get("/auth/verify", "X-Nothing: nothing") })
	})
	b.Run("session", func(b *testing.B) {
		s := one()
		cookie := "Cookie: hexward_session=" + s.cookies[0]
		load(b, s.pid, s.address, func(int64) string { return get("/auth/verify", cookie) })
	})
	b.Run("uncached", func(b *testing.B) {
		s := many()
		load(b, s.pid, s.address, func(n int64) string {
			return get("/auth/verify", "Cookie: hexward_session="+s.cookies[n*7919%int64(len(s.cookies))])
		})
	})
	b.Run("bearer", func(b *testing.B) {
		s := one()
		header := "Authorization: Bearer " + s.access(b)
		load(b, s.pid, s.address, func(int64) string { return get("/auth/verify", header) })
	})
	b.Run("api-token", func(b *testing.B) {
		s := one()
		header := "Authorization: Bearer " + s.token
		load(b, s.pid, s.address, func(int64) string { return get("/auth/verify", header) })
	})
	b.Run("foreign", func(b *testing.B) {
		s := trusting()
		header := "Authorization: Bearer " + s.foreign
		load(b, s.pid, s.address, func(int64) string { return get("/auth/verify", header) })
	})
	b.Run("refresh", func(b *testing.B) {
		s := few()
		var next atomic.Int64
		measure(b, s.pid, func(left *atomic.Int64) error {
			mine := &s.refresh[next.Add(1)%connections]
			for left.Add(-1) >= 0 {
				answer, err := s.rotate(*mine)
				if err != nil {
					return err
				}
				*mine = answer.refresh
			}
			return nil
		})
	})
	b.Run("sign-in", func(b *testing.B) {
		s := none()
		client := &http.Client{}
		body := `{"login":"alice","password":"` + password + `","delivery":"body"}`
		before := cpu(b, s.pid)
		b.ResetTimer()
		for range b.N {
			r, err := client.Post("http://"+s.address+"/auth/login", "application/json", strings.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
			if r.StatusCode != http.StatusOK {
				b.Fatal(r.Status)
			}
		}
		b.ReportMetric(float64(cpu(b, s.pid)-before)/float64(b.N), "cpu-ns/op")
	})
	b.Run("argon2id", func(b *testing.B) {
		salt := make([]byte, 16)
		before := cpu(b, os.Getpid())
		for range b.N {
			argon2.IDKey([]byte(password), salt, passhash.DefaultPasses, passhash.DefaultMemory, passhash.DefaultThreads, 32)
		}
		b.ReportMetric(float64(cpu(b, os.Getpid())-before)/float64(b.N), "cpu-ns/op")
	})
	b.Run("start", benchmarkStart)
}

// benchmarkStart measures the time from starting the program on an existing
// database to its first answer, and the memory that it has then.
func benchmarkStart(b *testing.B) {
	data := b.TempDir()
	spawn(b, data).stop()
	var total time.Duration
	var memory float64
	b.ResetTimer()
	for range b.N {
		port := freePort(b)
		cmd := measured(b, program(append(settings(data), "--listen", "127.0.0.1:"+port, "--ops-listen", "off")...))
		took, err := startTime(cmd.Start, "http://127.0.0.1:"+port+"/.well-known/jwks.json")
		if err != nil {
			b.Fatal(err)
		}
		total += took
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if err != nil {
			b.Fatal(err)
		}
		for line := range strings.Lines(string(status)) {
			if fields := strings.Fields(line); fields[0] == "VmRSS:" {
				kib, _ := strconv.Atoi(fields[1])
				memory = max(memory, float64(kib)/1024)
			}
		}
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
	b.ReportMetric(float64(total.Microseconds())/1000/float64(b.N), "start-ms")
	b.ReportMetric(memory, "idle-MiB")
}

// stage is a server with a user and sessions that nobody had to sign in for.
type stage struct {
	address string
	pid     int
	cookies []string
	refresh []string
	token   string // an API token
	foreign string // a machine's token of another issuer
}

// newTrustingStage starts a server that trusts another issuer, which is here.
func newTrustingStage(b *testing.B) *stage {
	b.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	keys := keySet(b, private)
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, keys)
	}))
	b.Cleanup(issuer.Close)
	file := writeConfig(b, fmt.Sprintf(
		"issuers:\n  - {name: strangers, issuer: %[1]q, jwks: \"%[1]s/keys\", audiences: [https://id.example], machine-claims: {gty: client-credentials}, users: refused}\n", issuer.URL))
	s := newStage(b, 0, "--config", file)
	s.foreign = speak(b, issuer.URL, private, 1)
	return s
}

// newStage writes a user and sessions into a new database and starts a server on
// it.
func newStage(b *testing.B, sessions int, args ...string) *stage {
	b.Helper()
	data := b.TempDir()
	master, err := hex.DecodeString(key)
	if err != nil {
		b.Fatal(err)
	}
	ids, err := session.NewSeal(sealer.Derive(master, "session cookie"))
	if err != nil {
		b.Fatal(err)
	}
	hasher, err := passhash.New(passhash.Config{})
	if err != nil {
		b.Fatal(err)
	}
	hash, err := hasher.Hash(b.Context(), password)
	if err != nil {
		b.Fatal(err)
	}
	store, err := sqlite.Open(b.Context(), filepath.Join(data, "hexward.db"))
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	name, err := user.ParseName("alice")
	if err != nil {
		b.Fatal(err)
	}
	email, err := user.ParseEmail("alice@example.org")
	if err != nil {
		b.Fatal(err)
	}
	u := user.New("0199a0b0-0000-7000-8000-000000000001", tenant.Default, name, email, hash, now)
	if err := store.Users().Create(b.Context(), u); err != nil {
		b.Fatal(err)
	}
	text, tokenHash, err := secret.Mint(rand.Reader, secret.APIToken)
	if err != nil {
		b.Fatal(err)
	}
	made, err := apitoken.New("0199a0b0-0000-7000-8000-000000000002", u.ID, u.Tenant, "script", nil, nil, time.Time{}, now)
	if err != nil {
		b.Fatal(err)
	}
	made.Hash = tokenHash
	if err := store.APITokens().Create(b.Context(), made, apitoken.MaxPerUser); err != nil {
		b.Fatal(err)
	}
	s := &stage{token: text, cookies: make([]string, sessions), refresh: make([]string, sessions)}
	var wait sync.WaitGroup
	for n := range sessions {
		row := session.New(fmt.Sprintf("0199a0b0-0000-7000-8000-1%011d", n), u.ID, u.Tenant, "password", session.DefaultLife, now)
		if s.cookies[n], row.Hash, err = ids.Mint(rand.Reader, now); err != nil {
			b.Fatal(err)
		}
		if s.refresh[n], err = row.MintRefresh(rand.Reader); err != nil {
			b.Fatal(err)
		}
		wait.Go(func() {
			if err := store.Sessions().Create(context.Background(), row); err != nil {
				b.Error(err)
			}
		})
	}
	wait.Wait()
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	i := spawn(b, data, append(args, "--master-key", key, "--account-limit", "off")...)
	s.address, s.pid = strings.TrimPrefix(i.url, "http://"), i.process.Pid
	return s
}

// granted is what a refresh gives.
type granted struct{ access, refresh string }

// rotate takes a refresh token for a new one.
func (s *stage) rotate(token string) (granted, error) {
	r, err := refreshing.Post("http://"+s.address+"/auth/token/refresh", "application/json", strings.NewReader(`{"refresh_token":"`+token+`"}`))
	if err != nil {
		return granted{}, err
	}
	defer r.Body.Close()
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil || r.StatusCode != http.StatusOK {
		return granted{}, fmt.Errorf("refresh: %s, %w", r.Status, err)
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return granted{answer.Access, answer.Refresh}, nil
}

var refreshing = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}

// access returns an access token of the first session.
func (s *stage) access(b *testing.B) string {
	b.Helper()
	g, err := s.rotate(s.refresh[0])
	if err != nil {
		b.Fatal(err)
	}
	s.refresh[0] = g.refresh
	return g.access
}

// get is a request as it goes over the wire.
func get(path, header string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: */*\r\n" + header + "\r\n\r\n"
}

// load makes b.N requests over connections that stay open. The answers must have
// the status 200.
func load(b *testing.B, pid int, address string, request func(n int64) string) {
	b.Helper()
	var n atomic.Int64
	measure(b, pid, func(left *atomic.Int64) error {
		c, err := new(net.Dialer).DialContext(context.Background(), "tcp", address)
		if err != nil {
			return err
		}
		defer c.Close()
		in := bufio.NewReader(c)
		for left.Add(-1) >= 0 {
			if _, err := io.WriteString(c, request(n.Add(1))); err != nil {
				return err
			}
			if err := readAnswer(in); err != nil {
				return err
			}
		}
		return nil
	})
}

// measure has as many clients as there are connections make b.N requests between
// them, and reports the processor time of the server for each.
func measure(b *testing.B, pid int, client func(left *atomic.Int64) error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wait sync.WaitGroup
	before := cpu(b, pid)
	b.ResetTimer()
	for range connections {
		wait.Go(func() {
			if err := client(&left); err != nil {
				b.Error(err)
			}
		})
	}
	wait.Wait()
	b.StopTimer()
	b.ReportMetric(float64(cpu(b, pid)-before)/float64(b.N), "cpu-ns/op")
}

var okay, length, endOfHead = []byte("HTTP/1.1 200 "), []byte("Content-Length: "), []byte("\r\n")

// readAnswer reads an answer with little work, since it is done on the core that
// the server does not have.
func readAnswer(in *bufio.Reader) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, okay) {
		return fmt.Errorf("answered %q", line)
	}
	size := 0
	for !bytes.Equal(line, endOfHead) {
		if line, err = in.ReadSlice('\n'); err != nil {
			return err
		}
		if bytes.HasPrefix(line, length) {
			if size, err = strconv.Atoi(string(bytes.TrimSpace(line[len(length):]))); err != nil {
				return err
			}
		}
	}
	_, err = in.Discard(size)
	return err
}

// cpu is the processor time that a process has had so far, in nanoseconds.
func cpu(b *testing.B, pid int) int64 {
	b.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		b.Skip("the kernel does not tell the processor time of a process")
	}
	var total int64
	for _, name := range tasks {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that has just ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		total += n
	}
	return total
}
