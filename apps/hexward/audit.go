package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/ports"
)

type auditCommand struct {
	List auditList `cmd:"" help:"List what happened, the latest first."`
}

type auditList struct {
	Action  string `placeholder:"NAME" help:"Only this action, or with a dot at the end every one that begins so: user."`
	Subject string `placeholder:"ID" help:"Only what was done to or by this user, by id."`
	Tenant  string `placeholder:"ID" help:"Only what happened in this tenant; what has none belongs to the default one."`
	Before  int64  `placeholder:"N" help:"Only events before this sequence number: the last one of the page before."`
	Limit   int    `default:"50" placeholder:"N" help:"At most this many (${default}; 1000 at most)."`
	JSON    bool   `help:"Print JSON."`
}

// shownEvent is an event as commands print one.
type shownEvent struct {
	Sequence int64             `json:"sequence"`
	ID       string            `json:"id"`
	At       time.Time         `json:"at"`
	Action   string            `json:"action"`
	Outcome  string            `json:"outcome"`
	Actor    string            `json:"actor,omitempty"`
	Subject  string            `json:"subject,omitempty"`
	Tenant   string            `json:"tenant,omitempty"`
	Session  string            `json:"session,omitempty"`
	Address  string            `json:"address,omitempty"`
	Agent    string            `json:"agent,omitempty"`
	Request  string            `json:"request,omitempty"`
	Detail   map[string]string `json:"detail,omitempty"`
}

// Run lists the events.
func (c *auditList) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		operator, err := s.within(ctx, c.Tenant)
		if err != nil {
			return err
		}
		events, err := s.AuditLog(ctx, &operator, ports.EventQuery{Action: c.Action, Subject: c.Subject, Before: c.Before, Limit: c.Limit})
		if err != nil {
			return err
		}
		shown := make([]shownEvent, len(events))
		rows := [][]string{{"AT", "ACTION", "OUTCOME", "ACTOR", "SUBJECT", "ADDRESS", "DETAIL"}}
		for i, e := range events {
			shown[i] = shownEvent{
				e.Sequence, e.ID, e.At.UTC(), e.Action, e.Outcome, e.Actor, e.Subject, e.Tenant, e.Session, e.Address, e.Agent, e.Request, e.Detail,
			}
			var detail []string
			for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
				detail = append(detail, name+"="+e.Detail[name])
			}
			rows = append(rows, []string{when(e.At), e.Action, e.Outcome, e.Actor, e.Subject, e.Address, strings.Join(detail, " ")})
		}
		if c.JSON {
			return printJSON(p.stdout, shown)
		}
		return printTable(p.stdout, rows)
	})
}
