package main

import (
	"context"
	"fmt"

	"github.com/hexward/hexward/core/fault"
)

type setupCommand struct{}

// Run prints the link. It voids the one that was printed before.
func (*setupCommand) Run(ctx context.Context, p *program) error {
	return p.use(ctx, true, func(s *system) error {
		link, err := s.SetupLink(ctx)
		if err != nil {
			return err
		}
		if link == "" {
			return fault.New(fault.Conflict, "setup_done", `there is an administrator already; add another one with "hexward user add --admin" or "hexward user permit"`)
		}
		fmt.Fprintln(p.stdout, link)
		return nil
	})
}
