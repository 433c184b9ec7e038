package examples_test

import (
	"testing"
	"time"
)

// TestAway takes the server away from each example, and gives it back.
func TestAway(t *testing.T) {
	for _, runtime := range runtimes {
		t.Run(runtime.name, func(t *testing.T) {
			t.Parallel()
			p := newPublisher(t)
			c := newClient(t)
			bearer := "Authorization: Bearer " + p.token("ada", "t1")
			edge := runtime.start(t, p.url, p.trust)
			asked := edge + "/api/hello"

			refused(t, c.get(503, asked, bearer), 503, "bundle_missing", "")
			p.publish(4 * time.Second)
			p.up()
			back, ok := within(8*time.Second, func() bool { a, err := c.try("GET", asked, "", bearer); return err == nil && a.status == 200 })
			if !ok {
				t.Fatalf("the server has come, and it answers %v", c.get(503, asked, bearer))
			}
			p.down()
			ends := time.Now()
			for ; time.Since(ends) < 2*time.Second; time.Sleep(100 * time.Millisecond) {
				c.get(200, asked, bearer)
			}
			if took, ok := within(5*time.Second, func() bool { a, err := c.try("GET", asked, "", bearer); return err == nil && a.status == 503 }); !ok {
				t.Fatal("it decides by a bundle that has ended")
			} else {
				t.Logf("decided for %v without the server", took+2*time.Second)
			}
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
	}
}
