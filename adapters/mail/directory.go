package mail

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hexward/hexward/ports"
)

// Directory puts messages into a directory, one .eml file (RFC 5322) each, that
// mail programs open. The files are for the owner's eyes only: their links sign
// people in. It is safe for concurrent use.
type Directory struct {
	writer *writer
	path   string
}

var _ ports.Mailer = (*Directory)(nil)

// NewDirectory returns a Mailer that writes to the directory at path, which it
// makes if need be.
func NewDirectory(c Config, path string) (*Directory, error) {
	w, err := newWriter(c)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, errors.New("mail: a directory for the messages is needed")
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory for mail: %w", err)
	}
	return &Directory{w, path}, nil
}

// Send writes a message to a file of its own, whose name begins with the time.
// The file appears whole or not at all.
func (d *Directory) Send(ctx context.Context, m ports.Message) error {
	if err := ctx.Err(); err != nil {
		return unavailable(err)
	}
	l, err := d.writer.write(m)
	if err != nil {
		return err
	}
	message, err := d.writer.mime(l)
	if err != nil {
		return err
	}
	unique := make([]byte, 8)
	if _, err := rand.Read(unique); err != nil {
		return fmt.Errorf("make a file name: %w", err)
	}
	name := d.writer.now().UTC().Format("20060102T150405.000Z") + "-" + m.Kind + "-" + hex.EncodeToString(unique)
	f, err := os.CreateTemp(d.path, "."+name+"-*") // O_EXCL, 0600
	if err != nil {
		return unavailable(err)
	}
	_, err = message.WriteTo(f)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(d.path, name+".eml"))
	}
	if err != nil {
		return unavailable(errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
