package examples_test

import (
	"sync"
	"testing"
	"time"
)

// TestAway_cloudflare stops a real server until its bundle has ended. Most of it is waiting, so it is the first to begin.
func TestAway_cloudflare(t *testing.T) {
	t.Parallel()
	s := newServer(t, examplePolicy(t), "bundle-life: 1m")
	key := s.key()
	edge := atCloudflare(t, s, key)
	c := newClient(t)
	refused(t, c.get(503, edge+"/public/page"), 503, "bundle_missing", "")
	s.up()
	ada := s.register("ada")
	asked, bearer := edge+"/api/notes", "Authorization: Bearer "+ada.access
	if took, ok := within(10*time.Second, func() bool { a, err := c.try("GET", asked, "", bearer); return err == nil && a.status == 200 }); !ok {
		t.Fatal("the server has come, and the worker does not decide")
	} else {
		t.Logf("decides %v after the server's start", took)
	}
	s.down()
	began := time.Now()
	var last answer
	for last.status != 503 && time.Since(began) < 70*time.Second {
		var err error
		if last, err = c.try("GET", asked, "", bearer); err != nil || last.status != 200 && last.status != 503 {
			t.Fatalf("%v after the server's end: %v %v", time.Since(began), last, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	took := time.Since(began)
	t.Logf("decided for %v without the server", took)
	if took < 30*time.Second || took > 62*time.Second {
		t.Errorf("decided for %v, with a bundle that lives a minute", took)
	}
	refused(t, last, 503, "bundle_expired", "")
	s.up()
	if took, ok := within(65*time.Second, func() bool { a, err := c.try("GET", asked, "", bearer); return err == nil && a.status == 200 }); !ok {
		t.Error("the server is back, and the worker does not decide again")
	} else {
		t.Logf("decides again %v after the server's return", took)
	}
}

// TestAway takes the server away from each example, and gives it back. All at once, since it is mostly waiting too.
func TestAway(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	defer all.Wait()
	for _, runtime := range runtimes {
		all.Go(func() {
			t.Run(runtime.name, func(t *testing.T) {
				p := newPublisher(t)
				c := newClient(t)
				bearer := "Authorization: Bearer " + p.token("ada", "t1")
				edge := runtime.start(t, p.url, p.trust)
				asked := edge + "/api/hello"

				refused(t, c.get(503, asked, bearer), 503, "bundle_missing", "")
				p.publish(5 * time.Second)
				p.up()
				back, ok := within(8*time.Second, func() bool { a, err := c.try("GET", asked, "", bearer); return err == nil && a.status == 200 })
				if !ok {
					t.Fatalf("the server has come, and it answers %v", c.get(503, asked, bearer))
				}
				p.down()
				down := time.Now()
				for ; time.Until(p.expires) > 500*time.Millisecond; time.Sleep(100 * time.Millisecond) {
					c.get(200, asked, bearer)
				}
				if _, ok := within(time.Until(p.expires)+2*time.Second, func() bool { a, err := c.try("GET", asked, "", bearer); return err == nil && a.status == 503 }); !ok {
					t.Fatal("it decides by a bundle that has ended")
				}
				t.Logf("decided for %v without the server", time.Since(down))
				refused(t, c.get(503, asked, bearer), 503, "bundle_expired", "")
				refused(t, c.get(503, edge+"/public/x"), 503, "bundle_expired", "")
				p.publish(time.Hour)
				p.up()
				again, ok := within(20*time.Second, func() bool { a, err := c.try("GET", asked, "", bearer); return err == nil && a.status == 200 })
				if !ok {
					t.Fatal("the server is back, and it does not decide again")
				}
				t.Logf("decides %v after the server's start, and %v after its return", back, again)
			})
		})
	}
}
