package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/hexward/hexward/core/fault"
)

type backupCommand struct {
	File string `arg:"" help:"The file to write. It must not be there yet."`
}

// Run copies the database as it is at one moment. The copy is of no use without
// the master key, which is not in it.
func (c *backupCommand) Run(ctx context.Context, p *program) error {
	if _, err := os.Lstat(c.File); !errors.Is(err, os.ErrNotExist) {
		return fault.New(fault.Conflict, "file_taken", c.File+" is there already; choose another name")
	}
	return p.use(ctx, false, func(s *system) error {
		if err := s.store.Backup(ctx, c.File); err != nil {
			return err
		}
		if s.settled.masterFile != "" {
			fmt.Fprintf(p.stdout, "wrote %s; keep %s too, elsewhere: the one is of no use without the other\n", c.File, s.settled.masterFile)
			return nil
		}
		fmt.Fprintf(p.stdout, "wrote %s; it is of no use without the master key\n", c.File)
		return nil
	})
}
