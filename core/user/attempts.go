package user

import "time"

// Limit is how many attempts are let through in a sliding window of time. It is
// exact: no more than Count attempts stand in any Window, wherever the window
// is laid.
type Limit struct {
	Count  int           // at most this many; 0 switches the limit off
	Window time.Duration // in this much time
}

// Attempts is what is remembered about one account, address or mailbox: when
// each attempt within the window was made, oldest first, in Unix milliseconds.
// Its size is bounded by the limit's count. The zero value has no attempts.
type Attempts struct {
	Key   string
	Times []int64
}

// Take counts an attempt at now if the limit lets it through, and returns 0. If
// not, it counts nothing and returns how long to wait until the oldest attempt
// leaves the window. Attempts dated after now (a clock set back) are taken as
// made now, so that they neither vanish nor lock for ever.
func (a *Attempts) Take(limit Limit, now time.Time) (wait time.Duration) {
	if limit.Count <= 0 {
		return 0
	}
	at := now.UnixMilli()
	since := at - limit.Window.Milliseconds()
	kept := a.Times[:0]
	for _, t := range a.Times {
		if t > since {
			kept = append(kept, min(t, at))
		}
	}
	a.Times = kept
	if n := len(a.Times); n >= limit.Count {
		return time.Duration(a.Times[n-limit.Count]-since) * time.Millisecond
	}
	a.Times = append(a.Times, at)
	return 0
}

// Forget drops every attempt, as after a success.
func (a *Attempts) Forget() { a.Times = a.Times[:0] }

// Undo takes back the latest attempt, for work that turned out not to be one.
func (a *Attempts) Undo() {
	if n := len(a.Times); n > 0 {
		a.Times = a.Times[:n-1]
	}
}
