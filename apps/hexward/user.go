package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
)

type userCommand struct {
	Add      userAdd      `cmd:"" help:"Add a user, whose address counts as confirmed."`
	List     userList     `cmd:"" help:"List users."`
	Show     userShow     `cmd:"" help:"Show a user, where they are signed in, and their API tokens."`
	Ban      userBan      `cmd:"" help:"Shut a user out, and end their sessions and tokens."`
	Unban    userUnban    `cmd:"" help:"Lift a ban."`
	Kick     userKick     `cmd:"" help:"End every session and token of a user now; they may sign in again."`
	Permit   userPermit   `cmd:"" help:"Set the permissions of a user."`
	Blackout userBlackout `cmd:"" help:"End every session and token of everybody that began before a moment."`
}

// shownUser is a user as commands print one.
type shownUser struct {
	ID             string     `json:"id"`
	Username       string     `json:"username"`
	Email          string     `json:"email"`
	EmailConfirmed bool       `json:"email_confirmed"`
	Permissions    []string   `json:"permissions"`
	Tenant         string     `json:"tenant"`
	Banned         bool       `json:"banned"`
	BanReason      string     `json:"ban_reason,omitempty"`
	BannedUntil    *time.Time `json:"banned_until,omitempty"`
	CreatedAt      *time.Time `json:"created_at"`
}

func show(u user.User, now time.Time) shownUser {
	s := shownUser{
		ID: u.ID, Username: u.Name.String(), Email: u.Email.String(), EmailConfirmed: u.EmailConfirmed,
		Permissions: append([]string{}, u.Permissions...), Tenant: u.Tenant, Banned: u.Banned(now), CreatedAt: optional(u.CreatedAt),
	}
	if s.Banned {
		s.BanReason, s.BannedUntil = u.Ban.Reason, optional(u.Ban.Until)
	}
	return s
}

// ban says how a user is shut out, in a word or two.
func (s *shownUser) ban() string {
	switch {
	case !s.Banned:
		return "-"
	case s.BannedUntil == nil:
		return "for ever"
	default:
		return "until " + when(*s.BannedUntil)
	}
}

type userAdd struct {
	Username   string   `arg:"" help:"The user name."`
	Email      string   `required:"" placeholder:"ADDRESS" help:"Their e-mail address."`
	Admin      bool     `help:"Let them administer everything."`
	Permission []string `placeholder:"NAME,…" help:"Permissions to give them."`
	Tenant     string   `placeholder:"ID" help:"The tenant that they belong to; the default one if it is not given."`
	Stdin      bool     `name:"password-stdin" help:"Read the password from standard input, one line."`
	Generate   bool     `xor:"password" help:"Make a password and print it once, which is also what happens without a terminal."`
	JSON       bool     `help:"Print JSON."`
}

// Run adds the user.
func (c *userAdd) Run(ctx context.Context, p *program) error {
	password, made, err := c.password(p)
	if err != nil {
		return err
	}
	permissions := c.Permission
	if c.Admin {
		permissions = append(permissions, access.Admin)
	}
	return p.use(ctx, true, func(s *system) error {
		operator, err := s.within(ctx, c.Tenant)
		if err != nil {
			return err
		}
		u, err := s.AddUser(ctx, &operator, auth.NewUser{Username: c.Username, Email: c.Email, Password: password}, permissions, by)
		if err != nil {
			return err
		}
		if !made {
			password = ""
		}
		if c.JSON {
			return printJSON(p.stdout, struct {
				shownUser
				Password string `json:"password,omitempty"`
			}{show(u, p.now()), password})
		}
		fmt.Fprintf(p.stdout, "added %s (%s)\n", printable(u.Name.String()), u.ID)
		if made {
			fmt.Fprintf(p.stdout, "password: %s\n", password)
		}
		return nil
	})
}

// password reads the password or makes one.
func (c *userAdd) password(p *program) (password string, made bool, err error) {
	if c.Stdin {
		password, err = readLine(p.stdin)
		return password, false, err
	}
	if tty, ok := p.stdin.(*os.File); ok && !c.Generate && term.IsTerminal(int(tty.Fd())) {
		if password, err = p.ask(tty, "Password (empty to make one): "); err != nil || password != "" {
			if err != nil {
				return "", false, err
			}
			again, err := p.ask(tty, "Again: ")
			if err == nil && again != password {
				err = &usageError{errors.New("the two passwords differ"), "hexward user add"}
			}
			return password, false, err
		}
	}
	return rand.Text(), true, nil
}

func (p *program) ask(tty *os.File, prompt string) (string, error) {
	fmt.Fprint(p.stderr, prompt)
	line, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(p.stderr)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(line), nil
}

// readLine reads the first line. It reads no more than a password can have.
func readLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 2*user.MaxPassword)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

type userList struct {
	Search     string `placeholder:"TEXT" help:"Only users with this in their name or address."`
	Permission string `placeholder:"NAME" help:"Only users who hold this permission."`
	Banned     bool   `help:"Only users who are or were banned for a time."`
	Tenant     string `placeholder:"ID" help:"Only users of this tenant."`
	After      string `placeholder:"ID" help:"Only users after this one: the last one of the page before."`
	Limit      int    `default:"50" placeholder:"N" help:"At most this many (${default}; 1000 at most)."`
	JSON       bool   `help:"Print JSON."`
}

// Run lists the users.
func (c *userList) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		operator, err := s.within(ctx, c.Tenant)
		if err != nil {
			return err
		}
		users, err := s.SearchUsers(ctx, &operator, ports.UserQuery{
			Text: c.Search, Holds: c.Permission, Banned: c.Banned, After: c.After, Limit: c.Limit,
		})
		if err != nil {
			return err
		}
		shown := make([]shownUser, len(users))
		rows := [][]string{{"ID", "USERNAME", "EMAIL", "CONFIRMED", "PERMISSIONS", "BANNED", "CREATED"}}
		for i, u := range users {
			shown[i] = show(u, p.now())
			rows = append(rows, []string{
				u.ID, u.Name.String(), shown[i].Email, yes(u.EmailConfirmed), strings.Join(u.Permissions, " "), shown[i].ban(), when(u.CreatedAt),
			})
		}
		if c.JSON {
			return printJSON(p.stdout, shown)
		}
		return printTable(p.stdout, rows)
	})
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// who names a user on the command line.
type who struct {
	Who string `arg:"" help:"Their id, user name or e-mail address."`
}

// on finds the user that a command is about and runs f on them.
func (w who) on(ctx context.Context, p *program, f func(*system, user.User) error) error {
	return p.use(ctx, false, func(s *system) error {
		u, err := s.FindUser(ctx, &s.operator, w.Who)
		if err != nil {
			return err
		}
		return f(s, u)
	})
}

type userShow struct {
	who
	JSON bool `help:"Print JSON."`
}

// shownSession is a session as commands print one.
type shownSession struct {
	ID         string     `json:"id"`
	Method     string     `json:"method"`
	SignedInAt *time.Time `json:"signed_in_at"`
	SeenAt     *time.Time `json:"seen_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
}

// shownToken is an API token as commands print one.
type shownToken struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"`
	CreatedAt *time.Time `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	UsedAt    *time.Time `json:"used_at,omitempty"`
}

// Run shows the user.
func (c *userShow) Run(ctx context.Context, p *program) error {
	return c.on(ctx, p, func(s *system, u user.User) error {
		sessions, err := s.SessionSets.ByUser(ctx, u.ID)
		if err != nil {
			return err
		}
		alive := []shownSession{}
		for _, session := range sessions {
			if session.Alive(p.now()) {
				alive = append(alive, shownSession{
					session.ID, session.Method, optional(session.SignedInAt), optional(session.SeenAt), optional(session.Expiry()),
				})
			}
		}
		tokens, err := s.APITokens.ByUser(ctx, u.ID)
		if err != nil {
			return err
		}
		good := []shownToken{}
		for _, t := range tokens {
			if t.Alive(p.now()) {
				good = append(good, shownToken{t.ID, t.Name, append([]string{}, t.Scopes...), optional(t.CreatedAt), optional(t.ExpiresAt), optional(t.UsedAt)})
			}
		}
		shown := show(u, p.now())
		if c.JSON {
			return printJSON(p.stdout, struct {
				shownUser
				Sessions []shownSession `json:"sessions"`
				Tokens   []shownToken   `json:"tokens"`
			}{shown, alive, good})
		}
		rows := [][]string{
			{"id", u.ID},
			{"username", shown.Username},
			{"email", shown.Email},
			{"confirmed", yes(u.EmailConfirmed)},
			{"permissions", strings.Join(u.Permissions, " ")},
			{"tenant", u.Tenant},
			{"banned", shown.ban()},
			{"created", when(u.CreatedAt)},
		}
		if shown.BanReason != "" {
			rows = append(rows, []string{"ban reason", shown.BanReason})
		}
		for _, session := range alive {
			rows = append(rows, []string{"session", session.ID + ", signed in " + when(*session.SignedInAt) + ", seen " + when(*session.SeenAt)})
		}
		for _, t := range good {
			life := "for ever"
			if t.ExpiresAt != nil {
				life = "until " + when(*t.ExpiresAt)
			}
			used := ", never used"
			if t.UsedAt != nil {
				used = ", used " + when(*t.UsedAt)
			}
			rows = append(rows, []string{"API token", t.Name + " (" + t.ID + ") " + life + used})
		}
		return printTable(p.stdout, rows)
	})
}

type userBan struct {
	who
	Reason string        `placeholder:"TEXT" help:"Why, for the audit log."`
	Until  time.Time     `xor:"end" placeholder:"TIME" help:"When it ends, like 2030-01-31T12:00:00Z; never if it is not given."`
	For    time.Duration `xor:"end" placeholder:"TIME" help:"Or how long it lasts, like 48h."`
}

// Run bans the user.
func (c *userBan) Run(ctx context.Context, p *program) error {
	if c.For < 0 {
		return &usageError{fmt.Errorf("--for: a ban lasts a time from now on, not %s", c.For), "hexward user ban"}
	}
	return c.on(ctx, p, func(s *system, u user.User) error {
		until := c.Until
		if c.For != 0 {
			until = p.now().Add(c.For)
		}
		u, err := s.Ban(ctx, &s.operator, u.ID, c.Reason, until, by)
		if err != nil {
			return err
		}
		shown := show(u, p.now())
		fmt.Fprintf(p.stdout, "banned %s %s\n", printable(shown.Username), shown.ban())
		return nil
	})
}

type userUnban struct{ who }

// Run lifts the ban.
func (c *userUnban) Run(ctx context.Context, p *program) error {
	return c.on(ctx, p, func(s *system, u user.User) error {
		if _, err := s.Unban(ctx, &s.operator, u.ID, by); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s may sign in again\n", printable(u.Name.String()))
		return nil
	})
}

type userKick struct{ who }

// Run ends the user's sessions.
func (c *userKick) Run(ctx context.Context, p *program) error {
	return c.on(ctx, p, func(s *system, u user.User) error {
		if err := s.Kick(ctx, &s.operator, u.ID, by); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "signed %s out everywhere\n", printable(u.Name.String()))
		return nil
	})
}

type userPermit struct {
	who
	Permissions []string `arg:"" optional:"" help:"All that they hold from now on."`
	None        bool     `help:"Take every permission from them."`
}

// Run sets the user's permissions.
func (c *userPermit) Run(ctx context.Context, p *program) error {
	if c.None == (len(c.Permissions) > 0) {
		return &usageError{errors.New("name the permissions that they hold from now on, or --none"), "hexward user permit"}
	}
	return c.on(ctx, p, func(s *system, u user.User) error {
		u, err := s.Permit(ctx, &s.operator, u.ID, c.Permissions, by)
		if err != nil {
			return err
		}
		held := "no permission"
		if len(u.Permissions) > 0 {
			held = strings.Join(u.Permissions, " ")
		}
		fmt.Fprintf(p.stdout, "%s holds %s\n", printable(u.Name.String()), held)
		return nil
	})
}

type userBlackout struct {
	Before time.Time `placeholder:"TIME" help:"The moment, like 2030-01-31T12:00:00Z; now if it is not given."`
}

// Run ends everything.
func (c *userBlackout) Run(ctx context.Context, p *program) error {
	return p.use(ctx, false, func(s *system) error {
		n, err := s.Blackout(ctx, &s.operator, c.Before, by)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "ended %d sessions, and every token that was issued before\n", n)
		return nil
	})
}
