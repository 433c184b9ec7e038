package main_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// person is somebody who uses the service while it crashes, and what they were
// told.
type person struct {
	name       string
	registered bool   // they were told so
	refresh    string // the latest refresh token they were given; empty when signed out
	access     string // an access token of the present session
	ended      string // an access token of a session that they have ended
	unsure     bool   // a request got no answer, so the state may be the one before or after
}

// step does the next thing a person does. A request that gets no answer leaves
// them unsure until they sign in anew.
func (p *person) step(b *browser) error {
	b.bearer = ""
	body := object{"login": p.name, "password": password, "delivery": "body"}
	switch {
	case !p.registered:
		body = object{"username": p.name, "email": p.name + "@example.org", "password": password, "delivery": "body"}
		a, err := b.try("POST", "/auth/register", body)
		switch {
		case err != nil:
			return nil
		case a.status == 409: // the answer of an earlier try was lost
			p.registered, p.unsure = true, true
			return nil
		case a.status != 201:
			return fmt.Errorf("register: %d %s", a.status, a.body)
		}
		p.registered, p.unsure, p.access, p.refresh = true, false, a.text("access_token"), a.text("refresh_token")
	case p.refresh == "" || p.unsure:
		a, err := b.try("POST", "/auth/login", body)
		if err != nil {
			return nil
		}
		if a.status != 200 {
			return fmt.Errorf("login of one who has registered: %d %s", a.status, a.body)
		}
		p.unsure, p.access, p.refresh = false, a.text("access_token"), a.text("refresh_token")
	case rand.IntN(4) == 0:
		b.bearer = p.access
		p.unsure = true
		a, err := b.try("POST", "/auth/logout", object{})
		if err != nil {
			return nil
		}
		if a.status != 200 {
			return fmt.Errorf("logout: %d %s", a.status, a.body)
		}
		p.unsure, p.ended, p.refresh = false, p.access, ""
	default:
		p.unsure = true
		a, err := b.try("POST", "/auth/token/refresh", object{"refresh_token": p.refresh})
		if err != nil {
			return nil
		}
		if a.status != 200 {
			return fmt.Errorf("refresh with the latest token: %d %s", a.status, a.body)
		}
		p.unsure, p.access, p.refresh = false, a.text("access_token"), a.text("refresh_token")
	}
	return nil
}

// check holds the server to what it has told a person.
func (p *person) check(b *browser) error {
	b.bearer = ""
	if p.ended != "" {
		b.bearer = p.ended
		if a, err := b.try("GET", "/auth/verify", nil); err != nil || a.status != 401 {
			return fmt.Errorf("%s has signed out, and is let in: %d %w", p.name, a.status, err)
		}
	}
	if p.registered && !p.unsure && p.refresh != "" {
		b.bearer = p.access
		if a, err := b.try("GET", "/auth/verify", nil); err != nil || a.status != 200 {
			return fmt.Errorf("%s is signed in, and is not let in: %d %s %w", p.name, a.status, a.body, err)
		}
	}
	return nil
}

// Nothing that was acknowledged is lost when the process is killed at any moment,
// and the next one starts on what is there.
func TestServe_killed(t *testing.T) {
	const lanes = 8
	rounds, limit := 12, 25*time.Second
	if testing.Short() {
		rounds = 3
	}
	args := []string{"--public-url", "http://127.0.0.1:1", "--account-limit", "off"} // the ports differ, and the issuer must not
	data, began := t.TempDir(), time.Now()
	var people [lanes][]*person // of each lane the last one is at work
	var requests, kills int
	for ; kills < rounds && time.Since(began) < limit; kills++ {
		i := spawn(t, data, args...)
		var steps atomic.Int64
		var wg sync.WaitGroup
		errs := make(chan error, lanes)
		for lane := range people {
			b := direct(i, i.browser())
			people[lane] = append(people[lane], &person{name: fmt.Sprintf("person-%d-%d", kills, lane)})
			wg.Go(func() {
				if err := work(i, b, people[lane], &steps); err != nil {
					errs <- err
				}
			})
		}
		time.Sleep(time.Duration(200+rand.IntN(900)) * time.Millisecond)
		i.kill()
		wg.Wait()
		close(errs)
		for err := range errs {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("after %d kills:\n%s", kills, i.stderr)
		}
		requests += int(steps.Load())
	}
	i := spawn(t, data, args...)
	registered := 0
	for lane := range people {
		for _, p := range people[lane] {
			if err := p.check(direct(i, i.browser())); err != nil {
				t.Error(err)
			}
			if !p.registered {
				continue
			}
			registered++
			direct(i, i.browser()).do(t, "POST", "/auth/login", object{"login": p.name, "password": password}, 200)
		}
	}
	t.Logf("%d requests of %d people over %d kills in %v", requests, registered, kills, time.Since(began).Round(time.Second))
	if requests < 20*kills || registered < lanes {
		t.Error("too few to show anything")
	}
}

// work checks what the people of a lane were told, and has the last one go on
// until the server is killed.
func work(i *instance, b *browser, people []*person, steps *atomic.Int64) error {
	for _, p := range people {
		if err := p.check(b); err != nil && !i.over() {
			return err
		}
	}
	for p := people[len(people)-1]; !i.over(); steps.Add(1) {
		if err := p.step(b); err != nil {
			return err
		}
	}
	return nil
}

// A request that is under way when the service is asked to stop is finished, and
// the process ends well.
func TestServe_stopped_under_load(t *testing.T) {
	i := spawn(t, t.TempDir(), "--account-limit", "off")
	i.browser().register(t, "ada")
	var answered, waiting atomic.Int64
	var asked atomic.Pointer[time.Time] // when it was asked to stop
	var wg sync.WaitGroup
	for range 6 {
		b := i.browser()
		wg.Go(func() {
			for {
				began := time.Now()
				a, err := b.try("POST", "/auth/login", object{"login": "ada", "password": password})
				at := asked.Load()
				switch {
				case err == nil && a.status == 200:
					answered.Add(1)
					if at != nil && began.Before(*at) {
						waiting.Add(1)
					}
				case err == nil:
					t.Errorf("status %d: %s", a.status, a.body)
					return
				case at == nil || began.Before(at.Add(-20*time.Millisecond)): // it was surely read
					t.Errorf("a request that was under way was dropped: %v", err)
					return
				default:
					return
				}
			}
		})
	}
	within(10*time.Second, func() bool { return answered.Load() > 10 })
	now := time.Now()
	asked.Store(&now)
	if err := i.process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-i.ended
	wg.Wait()
	if waiting.Load() == 0 || i.code != 0 {
		t.Errorf("%d answered, %d of them after it was asked to stop, exit code %d:\n%s", answered.Load(), waiting.Load(), i.code, i.stderr)
	}
	if log := i.stderr.String(); strings.Count(log, `"status":200`) < int(answered.Load()) || !strings.Contains(log, `"stopped"`) {
		t.Errorf("the log is not complete:\n%s", log)
	}
}

// However keys are rotated, no request of somebody with a good token is refused.
func TestServe_rotation_under_load(t *testing.T) {
	i := serve(t, t.TempDir(), "--key-delay", "300ms", "--account-limit", "off")
	least, most := time.Now().Add(3*time.Second), time.Now().Add(time.Minute)
	var wg sync.WaitGroup
	var requests, rotations atomic.Int64
	enough := func() bool { return rotations.Load() >= 4 && requests.Load() >= 200 }
	going := func() bool { // a busy machine takes longer
		now := time.Now()
		return !t.Failed() && now.Before(most) && (now.Before(least) || !enough())
	}
	for n := range 4 {
		b := i.browser()
		a := b.do(t, "POST", "/auth/register", object{
			"username": fmt.Sprintf("person-%d", n), "email": fmt.Sprintf("p%d@example.org", n), "password": password, "delivery": "body",
		}, 201)
		wg.Go(func() {
			tokens := []string{a.text("access_token")} // old ones stay good
			refresh := a.text("refresh_token")
			for going() {
				b.bearer = tokens[rand.IntN(len(tokens))]
				if v, err := b.try("GET", "/auth/verify", nil); err != nil || v.status != 200 {
					t.Errorf("a good token is refused: %d %s %v", v.status, v.body, err)
					return
				}
				requests.Add(1)
				if rand.IntN(20) == 0 {
					b.bearer = ""
					r, err := b.try("POST", "/auth/token/refresh", object{"refresh_token": refresh})
					if err != nil || r.status != 200 {
						t.Errorf("refresh: %d %s %v", r.status, r.body, err)
						return
					}
					refresh = r.text("refresh_token")
					tokens = append(tokens, r.text("access_token"))
				}
			}
		})
	}
	for ; going(); rotations.Add(1) {
		if rotations.Load()%2 == 0 {
			must(t, "keys", "rotate", "--delay", "300ms", "--data", i.data)
		} else {
			must(t, "keys", "rotate", "--now", "--data", i.data)
		}
		time.Sleep(250 * time.Millisecond)
	}
	wg.Wait()
	t.Logf("%d requests over %d rotations", requests.Load(), rotations.Load())
	if !enough() {
		t.Error("too few to show anything")
	}
}

// While it stops, the service says that it is not ready, and a request that has
// come in part is still heard out.
func TestServe_stopping(t *testing.T) {
	i := serve(t, t.TempDir())
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(i.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /auth/me HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // it was read
	i.cancel()
	health := i.browser()
	health.base = i.ops
	if !within(3*time.Second, func() bool {
		a, err := health.try("GET", "/readyz", nil)
		return err == nil && a.status == http.StatusServiceUnavailable
	}) {
		t.Error("the service is ready while it stops")
	}
	if a, err := health.try("GET", "/healthz", nil); err != nil || a.status != http.StatusOK {
		t.Errorf("the service is not healthy while it stops: %d %v", a.status, err)
	}
	if _, err := io.WriteString(c, "\r\n"); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	if r.StatusCode != http.StatusUnauthorized {
		t.Errorf("answered %s", r.Status)
	}
}
