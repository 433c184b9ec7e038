package web

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

// adminUserJSON is a user as an administrator sees it.
type adminUserJSON struct {
	userJSON
	UpdatedAt time.Time `json:"updated_at"`
	Ban       *banJSON  `json:"ban,omitempty"`
}

type banJSON struct {
	Reason string     `json:"reason"`
	From   time.Time  `json:"from"`
	Until  *time.Time `json:"until"` // null for ever
}

func adminUserOf(u user.User) adminUserJSON {
	out := adminUserJSON{userJSON: userOf(u), UpdatedAt: u.UpdatedAt.UTC()}
	if u.Ban != nil {
		out.Ban = &banJSON{Reason: u.Ban.Reason, From: u.Ban.From.UTC(), Until: timeOrNull(u.Ban.Until)}
	}
	return out
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// query reads the query string: parameters with these names and no other, each at
// most once.
func (k *call) query(set map[string]func(value string) bool) error {
	var wrong []fault.Field
	seen := map[string]bool{}
	k.Context().QueryArgs().VisitAll(func(key, value []byte) {
		name := string(key)
		field := fault.Field{Name: shorten(strings.ToValidUTF8(name, "�"))}
		switch parse := set[name]; {
		case len(wrong) >= maxWrong:
			return
		case parse == nil:
			field.Code, field.Message = "unknown", "there is no such parameter here"
		case seen[name]:
			field.Code, field.Message = "duplicate", "this parameter is there more than once"
		case !parse(string(value)):
			field.Code, field.Message = "type", "this parameter cannot be read"
		default:
			seen[name] = true
			return
		}
		wrong = append(wrong, field)
	})
	return fault.FieldsOf(wrong...)
}

func into(s *string) func(string) bool {
	return func(value string) bool { *s = value; return true }
}

func intoNumber[N int | int64](n *N) func(string) bool {
	return func(value string) bool {
		v, err := strconv.ParseInt(value, 10, 32)
		*n = N(v)
		return err == nil && v >= 0
	}
}

func (k *call) searchUsers() error {
	var q ports.UserQuery
	err := k.query(map[string]func(string) bool{
		"text": into(&q.Text), "permission": into(&q.Holds), "after": into(&q.After), "limit": intoNumber(&q.Limit),
		"banned": func(value string) bool { q.Banned = value == "true"; return value == "true" || value == "false" },
	})
	if err != nil {
		return err
	}
	list, err := k.service.SearchUsers(k.ctx(), k.who(), q)
	if err != nil {
		return err
	}
	out := make([]adminUserJSON, len(list))
	for i, u := range list {
		out[i] = adminUserOf(u)
	}
	return k.answer(fiber.StatusOK, struct {
		Users []adminUserJSON `json:"users"`
	}{out})
}

func (k *call) findUser() error {
	u, err := k.service.FindUser(k.ctx(), k.who(), k.pathID())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, adminUserOf(u))
}

func (k *call) addUser() error {
	var in auth.NewUser
	var permissions []string
	err := k.body(text("username", &in.Username), text("email", &in.Email), text("password", &in.Password),
		optional(texts("permissions", &permissions)))
	if err != nil {
		return err
	}
	u, err := k.service.AddUser(k.ctx(), k.who(), in, permissions, k.client())
	if err != nil {
		return err
	}
	k.Response().Header.Set(fiber.HeaderLocation, "/admin/users/"+u.ID)
	return k.answer(fiber.StatusCreated, adminUserOf(u))
}

func (k *call) ban() error {
	var reason string
	var until time.Time
	if err := k.body(optional(text("reason", &reason)), optional(moment("until", &until))); err != nil {
		return err
	}
	u, err := k.service.Ban(k.ctx(), k.who(), k.pathID(), reason, until, k.client())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, adminUserOf(u))
}

func (k *call) unban() error {
	if err := k.body(); err != nil {
		return err
	}
	u, err := k.service.Unban(k.ctx(), k.who(), k.pathID(), k.client())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, adminUserOf(u))
}

func (k *call) kick() error {
	if err := k.body(); err != nil {
		return err
	}
	if err := k.service.Kick(k.ctx(), k.who(), k.pathID(), k.client()); err != nil {
		return err
	}
	return k.nothing()
}

func (k *call) permit() error {
	var permissions []string
	if err := k.body(texts("permissions", &permissions)); err != nil {
		return err
	}
	u, err := k.service.Permit(k.ctx(), k.who(), k.pathID(), permissions, k.client())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, adminUserOf(u))
}

func (k *call) blackout() error {
	var before time.Time
	if err := k.body(optional(moment("before", &before))); err != nil {
		return err
	}
	n, err := k.service.Blackout(k.ctx(), k.who(), before, k.client())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, endedJSON{n})
}

// eventJSON is a line of the audit log.
type eventJSON struct {
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
	Agent    string            `json:"user_agent,omitempty"`
	Request  string            `json:"request_id,omitempty"`
	Detail   map[string]string `json:"detail,omitempty"`
}

func (k *call) auditLog() error {
	var q ports.EventQuery
	err := k.query(map[string]func(string) bool{
		"action": into(&q.Action), "subject": into(&q.Subject), "limit": intoNumber(&q.Limit),
		"before": func(value string) (ok bool) {
			v, err := strconv.ParseInt(value, 10, 64)
			q.Before = v
			return err == nil && v >= 0 && v < math.MaxInt64
		},
	})
	if err != nil {
		return err
	}
	list, err := k.service.AuditLog(k.ctx(), k.who(), q)
	if err != nil {
		return err
	}
	out := make([]eventJSON, len(list))
	for i, e := range list {
		out[i] = eventJSON{
			Sequence: e.Sequence, ID: e.ID, At: e.At.UTC(), Action: e.Action, Outcome: e.Outcome, Actor: e.Actor, Subject: e.Subject,
			Tenant: e.Tenant, Session: e.Session, Address: e.Address, Agent: e.Agent, Request: e.Request, Detail: e.Detail,
		}
	}
	return k.answer(fiber.StatusOK, struct {
		Events []eventJSON `json:"events"`
	}{out})
}
