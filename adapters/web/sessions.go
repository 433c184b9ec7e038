package web

import (
	"time"

	"github.com/gofiber/fiber/v2"
)

// sessionJSON is one of the user's sign-ins.
type sessionJSON struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"` // the one that asks
	Method     string    `json:"method"`
	SignedInAt time.Time `json:"signed_in_at"`
	SeenAt     time.Time `json:"seen_at"`
	ExpiresAt  time.Time `json:"expires_at"` // if no request comes any more
	Address    string    `json:"address,omitempty"`
	UserAgent  string    `json:"user_agent,omitempty"`
}

func (k *call) listSessions() error {
	list, err := k.service.ListSessions(k.ctx(), k.who())
	if err != nil {
		return err
	}
	out := make([]sessionJSON, len(list))
	for i, s := range list {
		out[i] = sessionJSON{
			ID: s.ID, Current: s.Current, Method: s.Method, SignedInAt: s.SignedInAt.UTC(), SeenAt: s.SeenAt.UTC(),
			ExpiresAt: s.Expiry().UTC(), Address: s.Address, UserAgent: s.UserAgent,
		}
	}
	return k.answer(fiber.StatusOK, struct {
		Sessions []sessionJSON `json:"sessions"`
	}{out})
}

func (k *call) endSession() error {
	if err := k.body(); err != nil {
		return err
	}
	id := k.pathID()
	if err := k.service.EndSession(k.ctx(), k.who(), id, k.client()); err != nil {
		return err
	}
	if id == k.who().Session && !k.shown.HasBearer {
		k.dropCookies()
	}
	return k.nothing()
}

func (k *call) endOtherSessions() error {
	if err := k.body(); err != nil {
		return err
	}
	n, err := k.service.EndOtherSessions(k.ctx(), k.who(), k.client())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusOK, endedJSON{n})
}

// endedJSON counts the sessions that ended.
type endedJSON struct {
	Ended int `json:"ended"`
}
