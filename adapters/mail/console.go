package mail

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/hexward/hexward/ports"
)

// Console prints messages for whoever develops or tries Hexward: their links
// sign people in, so the output must not be kept. It is safe for concurrent use.
type Console struct {
	writer *writer
	mu     sync.Mutex
	out    io.Writer
}

// The frame of a message.
var (
	top    = "┌── mail " + strings.Repeat("─", 64)
	bottom = "└" + strings.Repeat("─", 72)
)

var _ ports.Mailer = (*Console)(nil)

// NewConsole returns a Mailer that prints to out.
func NewConsole(c Config, out io.Writer) (*Console, error) {
	w, err := newWriter(c)
	if err != nil {
		return nil, err
	}
	return &Console{writer: w, out: out}, nil
}

// Send prints a message as one block, the link alone on its line.
func (c *Console) Send(ctx context.Context, m ports.Message) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	l, err := c.writer.write(m)
	if err != nil {
		return err
	}
	block := fmt.Sprintf("%s\nTo:      %s\nSubject: %s\n\n%s%s\n", top, l.to, l.subject, l.text, bottom)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.WriteString(c.out, block); err != nil {
		return unavailable(err)
	}
	return nil
}
