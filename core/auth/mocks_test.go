package auth_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/token"
	"github.com/hexward/hexward/core/user"
	"github.com/hexward/hexward/ports"
	"github.com/hexward/hexward/ports/mock"
)

// config returns a configuration whose ports are mocks with the world behind
// them, held to the contracts of package ports.
func (w *world) config() auth.Config {
	seal, err := session.NewSeal([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		w.t.Fatal(err)
	}
	return auth.Config{
		Users: w.mockUsers(), Sessions: w.mockSessions(), SessionSets: w.mockSessionSets(),
		MailTokens: w.mockMailTokens(), Attempts: w.mockAttempts(), Marks: w.mockMarks(), Audit: w.mockAudit(), Keys: w.mockKeys("Keys", &w.keys),
		Keyring: &mock.KeyringMock{GenerateFunc: w.generate, ImportFunc: w.importKey, OpenFunc: w.openKey, ImportSecretFunc: w.importSecret},
		Signer:  &mock.SignerMock{SignFunc: w.signToken, SignPayloadFunc: w.signPayload},
		Sealer:  &mock.SealerMock{SealFunc: w.seal, OpenFunc: w.open},
		Hasher:  &mock.HasherMock{HashFunc: w.hash, VerifyFunc: w.verify},
		Mailer: &mock.MailerMock{SendFunc: func(ctx context.Context, m ports.Message) error {
			return w.do(ctx, "Mailer.Send", func() error {
				w.sent = append(w.sent, m)
				return nil
			})
		}},
		Tenants: w.mockTenants(), Directory: w.mockDirectory(), Machines: w.mockMachines(), APITokens: w.mockAPITokens(),
		Verified: newTokenCache(), Refused: newTokenCache(),
		Edge: &auth.Edge{
			Keys: w.mockKeys("BundleKeys", &w.bundleKeys), Numbers: &mock.NumbersMock{NextFunc: w.nextNumber},
			Site: edge.Site{Origin: issuer, Access: "access", Session: "session"},
		},
		Seal: seal, Now: w.clock, Rand: w, Report: w.report,
		Settings: auth.DefaultSettings(issuer),
	}
}

// withCaptcha switches the captcha on; "human" is the good response.
func (w *world) withCaptcha(c *auth.Config) {
	c.Captcha = &mock.CaptchaMock{CheckFunc: func(ctx context.Context, response string, _ netip.Addr) error {
		return w.do(ctx, "Captcha.Check", func() error {
			if response != "human" {
				return fault.InvalidField("captcha", "failed", "please solve the captcha")
			}
			return nil
		})
	}}
}

func (w *world) mockUsers() *mock.UsersMock {
	return &mock.UsersMock{
		CreateFunc: func(ctx context.Context, u user.User) error {
			return w.do(ctx, "Users.Create", func() error {
				if err := w.clash(u); err != nil {
					return err
				}
				w.users[u.ID] = copyUser(u)
				return nil
			})
		},
		ByIDFunc: func(ctx context.Context, id string) (u user.User, err error) {
			err = w.do(ctx, "Users.ByID", func() error {
				found, ok := w.users[id]
				if !ok {
					return miss()
				}
				u = copyUser(found)
				return nil
			})
			return u, err
		},
		ByLoginFunc: func(ctx context.Context, key string) (u user.User, err error) {
			err = w.do(ctx, "Users.ByLogin", func() error {
				for _, found := range w.users {
					if strings.Contains(key, "@") && found.Email.Key() == key || found.Name.Key() == key {
						u = copyUser(found)
						return nil
					}
				}
				return miss()
			})
			return u, err
		},
		UpdateFunc: func(ctx context.Context, id string, change func(*user.User) error) (u user.User, err error) {
			err = w.do(ctx, "Users.Update", func() error {
				found, ok := w.users[id]
				if !ok {
					return miss()
				}
				u, err = w.updateUser(found, change)
				return err
			})
			return u, err
		},
		DeleteFunc: func(ctx context.Context, id string) error {
			return w.do(ctx, "Users.Delete", func() error {
				if _, ok := w.users[id]; !ok {
					return miss()
				}
				delete(w.users, id)
				for sid, s := range w.sessions {
					if s.UserID == id {
						delete(w.sessions, sid)
					}
				}
				for h, m := range w.mails {
					if m.Subject == id {
						delete(w.mails, h)
					}
				}
				for tid, t := range w.tokens {
					if t.UserID == id {
						delete(w.tokens, tid)
					}
				}
				return nil
			})
		},
	}
}

func (w *world) mockSessions() *mock.SessionsMock {
	find := func(ctx context.Context, call string, is func(session.Session) bool) (s session.Session, u user.User, err error) {
		err = w.do(ctx, call, func() error {
			for _, found := range w.sessions {
				if is(found) {
					s, u = found, copyUser(w.users[found.UserID])
					return nil
				}
			}
			return miss()
		})
		return s, u, err
	}
	return &mock.SessionsMock{
		CreateFunc: func(ctx context.Context, s session.Session) error {
			return w.do(ctx, "Sessions.Create", func() error {
				if _, ok := w.users[s.UserID]; !ok {
					return miss()
				}
				w.sessions[s.ID] = s
				return nil
			})
		},
		ByHashFunc: func(ctx context.Context, h session.Hash) (session.Session, user.User, error) {
			return find(ctx, "Sessions.ByHash", func(s session.Session) bool { return s.Hash == h || s.Former == h })
		},
		ByFamilyFunc: func(ctx context.Context, f session.Hash) (session.Session, user.User, error) {
			return find(ctx, "Sessions.ByFamily", func(s session.Session) bool { return s.Family == f })
		},
		UpdateFunc: func(ctx context.Context, id string, change func(*session.Session) error) (s session.Session, err error) {
			err = w.do(ctx, "Sessions.Update", func() error {
				found, ok := w.sessions[id]
				if !ok {
					return miss()
				}
				twice := found // the function may run more than once
				_ = change(&twice)
				changed := found
				err := change(&changed)
				if err != nil {
					return err
				}
				w.sessions[id], s = changed, changed
				return nil
			})
			return s, err
		},
		DeleteFunc: func(ctx context.Context, id string) (s session.Session, err error) {
			err = w.do(ctx, "Sessions.Delete", func() error {
				found, ok := w.sessions[id]
				if !ok {
					return miss()
				}
				delete(w.sessions, id)
				s = found
				return nil
			})
			return s, err
		},
	}
}

func (w *world) mockSessionSets() *mock.SessionSetsMock {
	remove := func(is func(session.Session) bool) (ids []string) {
		for id, s := range w.sessions {
			if is(s) {
				delete(w.sessions, id)
				ids = append(ids, id)
			}
		}
		return ids
	}
	return &mock.SessionSetsMock{
		ByUserFunc: func(ctx context.Context, userID string) (list []session.Session, err error) {
			err = w.do(ctx, "SessionSets.ByUser", func() error {
				for _, s := range w.sessions {
					if s.UserID == userID {
						list = append(list, s)
					}
				}
				slices.SortFunc(list, func(a, b session.Session) int { return b.SignedInAt.Compare(a.SignedInAt) })
				return nil
			})
			return list, err
		},
		DeleteByUserFunc: func(ctx context.Context, userID, except string) (ids []string, err error) {
			err = w.do(ctx, "SessionSets.DeleteByUser", func() error {
				ids = remove(func(s session.Session) bool { return s.UserID == userID && s.ID != except })
				return nil
			})
			if err != nil {
				return nil, err
			}
			return ids, nil
		},
		DeleteBeforeFunc: func(ctx context.Context, t time.Time) (n int, err error) {
			err = w.do(ctx, "SessionSets.DeleteBefore", func() error {
				n = len(remove(func(s session.Session) bool { return !s.SignedInAt.After(t) }))
				return nil
			})
			return n, err
		},
		DeleteExpiredFunc: func(ctx context.Context, now time.Time) (n int, err error) {
			err = w.do(ctx, "SessionSets.DeleteExpired", func() error {
				n = len(remove(func(s session.Session) bool { return !s.Alive(now) }))
				return nil
			})
			return n, err
		},
		MarkRotateFunc: func(ctx context.Context, userID string) error {
			return w.do(ctx, "SessionSets.MarkRotate", func() error {
				for id, s := range w.sessions {
					if s.UserID == userID {
						s.Rotate = true
						w.sessions[id] = s
					}
				}
				return nil
			})
		},
	}
}

func (w *world) mockMailTokens() *mock.MailTokensMock {
	get := func(ctx context.Context, call, purpose string, h session.Hash, now time.Time, consume bool) (t ports.MailToken, err error) {
		err = w.do(ctx, call, func() error {
			found, ok := w.mails[h]
			if !ok || found.Purpose != purpose || !now.Before(found.ExpiresAt) {
				return miss()
			}
			if consume {
				delete(w.mails, h)
			}
			t = found
			return nil
		})
		return t, err
	}
	return &mock.MailTokensMock{
		PutFunc: func(ctx context.Context, t ports.MailToken) error {
			return w.do(ctx, "MailTokens.Put", func() error {
				for h, other := range w.mails {
					if other.Purpose == t.Purpose && other.Subject == t.Subject {
						delete(w.mails, h)
					}
				}
				w.mails[t.Hash] = t
				return nil
			})
		},
		GetFunc: func(ctx context.Context, purpose string, h session.Hash, now time.Time) (ports.MailToken, error) {
			return get(ctx, "MailTokens.Get", purpose, h, now, false)
		},
		ConsumeFunc: func(ctx context.Context, purpose string, h session.Hash, now time.Time) (ports.MailToken, error) {
			return get(ctx, "MailTokens.Consume", purpose, h, now, true)
		},
		DeleteExpiredFunc: func(ctx context.Context, now time.Time) (n int, err error) {
			err = w.do(ctx, "MailTokens.DeleteExpired", func() error {
				for h, t := range w.mails {
					if !now.Before(t.ExpiresAt) {
						delete(w.mails, h)
						n++
					}
				}
				return nil
			})
			return n, err
		},
	}
}

func (w *world) mockAttempts() *mock.AttemptsMock {
	return &mock.AttemptsMock{
		UpdateFunc: func(ctx context.Context, keys []string, change func([]*user.Attempts)) error {
			return w.do(ctx, "Attempts.Update", func() error {
				var list []*user.Attempts
				for range 2 { // the function may run more than once
					list = nil
					for i, k := range keys {
						if k == "" || len(k) > 300 || slices.Index(keys, k) != i {
							w.t.Errorf("bad keys of attempts: %q", keys)
						}
						list = append(list, &user.Attempts{Key: k, Times: slices.Clone(w.attempts[k])})
					}
					change(list)
				}
				for _, a := range list {
					w.attempts[a.Key] = a.Times
					if len(a.Times) == 0 {
						delete(w.attempts, a.Key)
					}
				}
				return nil
			})
		},
		DeleteBeforeFunc: func(ctx context.Context, t time.Time) (n int, err error) {
			err = w.do(ctx, "Attempts.DeleteBefore", func() error {
				for k, times := range w.attempts {
					if len(times) == 0 || times[len(times)-1] < t.UnixMilli() {
						delete(w.attempts, k)
						n++
					}
				}
				return nil
			})
			return n, err
		},
	}
}

func (w *world) mockMarks() *mock.MarksMock {
	return &mock.MarksMock{
		AddFunc: func(ctx context.Context, m token.Mark) error {
			return w.do(ctx, "Marks.Add", func() error {
				w.addMark(m)
				return nil
			})
		},
		ListFunc: func(ctx context.Context, now time.Time) (list []token.Mark, err error) {
			err = w.do(ctx, "Marks.List", func() error {
				for _, m := range w.listMarks() {
					if m.Until >= now.Unix() {
						list = append(list, m)
					}
				}
				return nil
			})
			return list, err
		},
		DeleteExpiredFunc: func(ctx context.Context, now time.Time) (n int, err error) {
			err = w.do(ctx, "Marks.DeleteExpired", func() error {
				for k, m := range w.marks {
					if m.Until < now.Unix() {
						delete(w.marks, k)
						n++
					}
				}
				return nil
			})
			return n, err
		},
	}
}

func (w *world) mockAudit() *mock.AuditMock {
	return &mock.AuditMock{
		RecordFunc: func(ctx context.Context, events ...ports.Event) error {
			return w.do(ctx, "Audit.Record", func() error {
				for _, e := range events {
					e.Sequence = int64(len(w.events) + 1)
					w.events = append(w.events, e)
				}
				return nil
			})
		},
	}
}

func (w *world) mockKeys(name string, keys *[]ports.SigningKey) *mock.KeysMock {
	return &mock.KeysMock{
		ListFunc: func(ctx context.Context) (list []ports.SigningKey, err error) {
			err = w.do(ctx, name+".List", func() error {
				list = slices.Clone(*keys)
				return nil
			})
			return list, err
		},
		ChangeFunc: func(ctx context.Context, change func([]ports.SigningKey) ([]ports.SigningKey, error)) error {
			return w.do(ctx, name+".Change", func() error {
				before := slices.Clone(*keys)
				_, _ = change(slices.Clone(before)) // the function may run more than once
				after, err := change(before)
				if err != nil {
					return err
				}
				*keys = after
				return nil
			})
		},
	}
}

func (w *world) nextNumber(ctx context.Context, floor int64) (n int64, err error) {
	err = w.do(ctx, "Numbers.Next", func() error {
		w.number = max(w.number+1, floor)
		n = w.number
		return nil
	})
	return n, err
}
