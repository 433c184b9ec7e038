package session_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/session"
)

func TestNew(t *testing.T) {
	got := session.New("sid", "uid", "acme", "password", session.Life{Idle: time.Hour, Absolute: 24 * time.Hour}, noon)
	want := session.Session{
		ID: "sid", UserID: "uid", Tenant: "acme", Method: "password",
		SignedInAt: noon, SeenAt: noon, Idle: time.Hour, EndsAt: noon.Add(24 * time.Hour),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, want := session.DefaultLife, (session.Life{Idle: 6 * time.Hour, Absolute: 168 * time.Hour}); got != want {
		t.Errorf("the default is %v, want %v", got, want)
	}
}

func TestSession_Alive(t *testing.T) {
	life := session.Life{Idle: time.Hour, Absolute: 3 * time.Hour}
	tests := []struct {
		name    string
		life    session.Life
		touched time.Duration // since sign-in
		at      time.Duration
		want    bool
		expiry  time.Duration
	}{
		{name: "new", life: life, want: true, expiry: time.Hour},
		{name: "up to the idle end", life: life, at: time.Hour - 1, want: true, expiry: time.Hour},
		{name: "at the idle end", life: life, at: time.Hour, expiry: time.Hour},
		{name: "touched", life: life, touched: 30 * time.Minute, at: time.Hour, want: true, expiry: 90 * time.Minute},
		{name: "touched up to the idle end", life: life, touched: 30 * time.Minute, at: 90*time.Minute - 1, want: true, expiry: 90 * time.Minute},
		{name: "touched, at the idle end", life: life, touched: 30 * time.Minute, at: 90 * time.Minute, expiry: 90 * time.Minute},
		{name: "up to the absolute end", life: life, touched: 150 * time.Minute, at: 3*time.Hour - 1, want: true, expiry: 3 * time.Hour},
		{name: "at the absolute end", life: life, touched: 150 * time.Minute, at: 3 * time.Hour, expiry: 3 * time.Hour},
		{name: "touched at the last moment", life: life, touched: 3*time.Hour - 1, at: 3 * time.Hour, expiry: 3 * time.Hour},
		{name: "idle longer than absolute", life: session.Life{Idle: 5 * time.Hour, Absolute: 3 * time.Hour}, at: 3 * time.Hour, expiry: 3 * time.Hour},
		{name: "no idle time is no life", life: session.Life{Absolute: time.Hour}},
		{name: "no life", life: session.Life{}},
		{name: "clock set back", life: life, at: -time.Hour, want: true, expiry: time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := session.New("sid", "uid", "default", "password", test.life, noon)
			s.Touch(noon.Add(test.touched))
			if got := s.Alive(noon.Add(test.at)); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
			if got, want := s.Expiry(), noon.Add(test.expiry); !got.Equal(want) {
				t.Errorf("expires at %v, want %v", got, want)
			}
		})
	}
	if (&session.Session{}).Alive(noon) {
		t.Error("the zero value is alive")
	}
}

func TestSession_Touch(t *testing.T) {
	s := session.New("sid", "uid", "default", "password", session.DefaultLife, noon)
	for _, step := range []struct{ at, want time.Duration }{{time.Minute, time.Minute}, {30 * time.Second, time.Minute}, {-time.Hour, time.Minute}, {2 * time.Minute, 2 * time.Minute}} {
		s.Touch(noon.Add(step.at))
		if want := noon.Add(step.want); !s.SeenAt.Equal(want) {
			t.Errorf("after %v: seen at %v, want %v", step.at, s.SeenAt, want)
		}
	}
}

func TestSession_Stale(t *testing.T) {
	s := session.New("sid", "uid", "default", "password", session.DefaultLife, noon)
	for at, want := range map[time.Duration]bool{
		-time.Hour: false, 0: false, session.TouchEvery - 1: false, session.TouchEvery: true, time.Hour: true,
	} {
		if got := s.Stale(noon.Add(at)); got != want {
			t.Errorf("after %v: got %t, want %t", at, got, want)
		}
	}
}

func TestSession_Accepts(t *testing.T) {
	zero, one, two, three := session.Hash{}, session.Hash{1}, session.Hash{2}, session.Hash{3}
	fresh := session.Session{Hash: one}
	replaced := session.Session{Hash: one}
	replaced.Replace(two, noon)
	twice := replaced
	twice.Replace(three, noon.Add(time.Second))
	cut := session.Session{Hash: one}
	cut.ReplaceNow(two, noon)
	cutTwice := replaced
	cutTwice.ReplaceNow(three, noon.Add(time.Second))
	tests := []struct {
		name string
		s    session.Session
		h    session.Hash
		at   time.Duration
		want bool
	}{
		{name: "the present id", s: fresh, h: one, want: true},
		{name: "another id", s: fresh, h: two},
		{name: "zero, without a former id", s: fresh, h: zero},
		{name: "zero, without any id", s: session.Session{}, h: zero},
		{name: "zero, without any id, in a grace", s: session.Session{FormerTo: noon.Add(time.Hour)}, h: zero},
		{name: "the new id", s: replaced, h: two, want: true},
		{name: "the new id later", s: replaced, h: two, at: time.Hour, want: true},
		{name: "the former id", s: replaced, h: one, want: true},
		{name: "the former id to the end of its grace", s: replaced, h: one, at: session.RotationGrace - 1, want: true},
		{name: "the former id at the end of its grace", s: replaced, h: one, at: session.RotationGrace},
		{name: "the former id after it", s: replaced, h: one, at: time.Hour},
		{name: "of three the last", s: twice, h: three, want: true},
		{name: "of three the middle", s: twice, h: two, at: session.RotationGrace, want: true},
		{name: "of three the first", s: twice, h: one},
		{name: "replaced at once, the new id", s: cut, h: two, want: true},
		{name: "replaced at once, the former id", s: cut, h: one},
		{name: "replaced at once, zero", s: cut, h: zero},
		{name: "replaced, then at once, the first", s: cutTwice, h: one},
		{name: "replaced, then at once, the second", s: cutTwice, h: two},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.s.Accepts(test.h, noon.Add(test.at)); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestSession_Replace(t *testing.T) {
	for name, replace := range map[string]func(*session.Session, session.Hash, time.Time){
		"Replace": (*session.Session).Replace, "ReplaceNow": (*session.Session).ReplaceNow,
	} {
		t.Run(name, func(t *testing.T) {
			s := session.New("sid", "uid", "default", "password", session.DefaultLife, noon)
			s.Hash, s.Rotate, s.Family, s.Refresh = session.Hash{1}, true, session.Hash{8}, session.Hash{9}
			want := s
			replace(&s, session.Hash{2}, noon.Add(time.Hour))
			want.Hash, want.Rotate = session.Hash{2}, false
			if name == "Replace" {
				want.Former, want.FormerTo = session.Hash{1}, noon.Add(time.Hour+session.RotationGrace)
			}
			if diff := cmp.Diff(want, s); diff != "" {
				t.Error(diff)
			}
		})
	}
}
