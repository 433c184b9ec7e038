package mail

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/ports"
)

// What a QueueConfig that says nothing means.
const (
	DefaultSize     = 1000
	DefaultWorkers  = 2
	DefaultAttempts = 8
	DefaultPause    = 2 * time.Second
)

// QueueConfig says how a Queue delivers. Its zero value is good.
type QueueConfig struct {
	Size     int           // messages that wait, at most; 0 for DefaultSize
	Workers  int           // messages that are delivered at a time; 0 for DefaultWorkers
	Attempts int           // to deliver one message; 0 for DefaultAttempts
	Pause    time.Duration // after the first failed attempt, then twice as long each; 0 for DefaultPause

	// Report is told of each message that is given up, with the kind of message and
	// why; it has neither address nor link. It must not block. Nobody is told when
	// nil.
	Report func(err error)
}

// Queue takes messages at once and delivers them in the background, so that how
// long a request takes tells nobody whether it made a mail. A message that waits
// to be tried again holds no other up. It keeps them in memory: a process that is
// killed loses those that wait, and whoever waits for one asks again. It is safe
// for concurrent use.
type Queue struct {
	to     ports.Mailer
	config QueueConfig

	due     chan item     // has room for all
	closing chan struct{} // closed when every message gets one more attempt at most
	ctx     context.Context
	stop    context.CancelFunc
	workers sync.WaitGroup
	taken   sync.WaitGroup // messages that are neither delivered nor given up

	mu     sync.Mutex
	count  int // of taken
	closed bool
}

// item is a message and how often it was tried.
type item struct {
	ports.Message
	tried int
}

var _ ports.Mailer = (*Queue)(nil)

// NewQueue returns a Queue before a mailer. Close ends it.
func NewQueue(to ports.Mailer, c QueueConfig) *Queue {
	for _, d := range []struct {
		at   *int
		zero int
	}{{&c.Size, DefaultSize}, {&c.Workers, DefaultWorkers}, {&c.Attempts, DefaultAttempts}} {
		if *d.at <= 0 {
			*d.at = d.zero
		}
	}
	if c.Pause <= 0 {
		c.Pause = DefaultPause
	}
	if c.Report == nil {
		c.Report = func(error) {}
	}
	q := &Queue{to: to, config: c, due: make(chan item, c.Size), closing: make(chan struct{})}
	q.ctx, q.stop = context.WithCancel(context.Background())
	for range c.Workers {
		q.workers.Go(func() {
			for i := range q.due {
				q.try(i)
			}
		})
	}
	return q
}

// Send takes a message. It is Unavailable when the queue is full or closed.
func (q *Queue) Send(ctx context.Context, m ports.Message) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return fault.New(fault.Unavailable, "mail_closed", "no more mail is taken: the service is stopping")
	case q.count == q.config.Size:
		return fault.New(fault.Unavailable, "mail_full", "too many mails wait already; please try again later")
	}
	q.count++
	q.taken.Add(1)
	q.due <- item{Message: m}
	return nil
}

// Close takes no more messages, tries all that wait once more, and returns when
// that is done or ctx has ended, and then says how many were given up. Further
// calls do nothing.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil
	}
	q.closed = true
	close(q.closing)
	q.mu.Unlock()
	done := make(chan struct{})
	go func() {
		q.taken.Wait()
		close(q.due)
		q.workers.Wait()
		close(done)
	}()
	defer q.stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		q.mu.Lock()
		left := q.count
		q.mu.Unlock()
		q.stop()
		<-done
		return fmt.Errorf("mail: %d messages were not delivered in time: %w", left, ctx.Err())
	}
}

// try delivers a message, or has it tried again later if that may help.
func (q *Queue) try(i item) {
	last := q.isClosing()
	err := q.ctx.Err()
	if err == nil {
		err = q.to.Send(q.ctx, i.Message)
	}
	i.tried++
	pause := q.config.Pause << min(i.tried-1, 16)
	late := !i.Expires.IsZero() && time.Until(i.Expires) < pause
	if err == nil || last || late || i.tried == q.config.Attempts || fault.KindOf(err) != fault.Unavailable {
		if err != nil {
			q.config.Report(fmt.Errorf("mail: a message (%s) was given up after %d attempts: %w", i.Kind, i.tried, err))
		}
		q.mu.Lock()
		q.count--
		q.mu.Unlock()
		q.taken.Done()
		return
	}
	go func() {
		select {
		case <-q.closing:
		case <-time.After(pause):
		}
		q.due <- i
	}()
}

func (q *Queue) isClosing() bool {
	select {
	case <-q.closing:
		return true
	default:
		return false
	}
}
