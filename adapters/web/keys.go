package web

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// jwks serves the public keys. They are the same for everybody, so caches may keep
// them for a while.
func (k *call) jwks() error {
	document, etag := k.service.JWKS()
	if document == nil {
		return fault.New(fault.Unavailable, "not_ready", "the service is starting; please try again")
	}
	return k.public(document, etag, "application/jwk-set+json")
}

// matches compares an If-None-Match header with an entity tag (RFC 9110 §13.1.2).
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// keyJSON is a signing key.
type keyJSON struct {
	ID          string     `json:"id"`
	Algorithm   string     `json:"algorithm"`
	State       string     `json:"state"`
	PublishedAt *time.Time `json:"published_at"`
	SignsFrom   *time.Time `json:"signs_from"`
	RetiredAt   *time.Time `json:"retired_at"`
	DropAt      *time.Time `json:"drop_at"`
}

func keyOf(key auth.Key) keyJSON {
	return keyJSON{
		ID: key.ID, Algorithm: key.Algorithm, State: string(key.State), PublishedAt: timeOrNull(key.PublishedAt),
		SignsFrom: timeOrNull(key.SignsFrom), RetiredAt: timeOrNull(key.RetiredAt), DropAt: timeOrNull(key.DropAt),
	}
}

func (k *call) listKeys() error {
	list, err := k.service.ListKeys(k.ctx(), k.who())
	if err != nil {
		return err
	}
	out := make([]keyJSON, len(list))
	for i, key := range list {
		out[i] = keyOf(key)
	}
	return k.answer(fiber.StatusOK, struct {
		Keys []keyJSON `json:"keys"`
	}{out})
}

// maxDelay bounds how far ahead a key may be planned, in seconds.
const maxDelay = 30 * 24 * 60 * 60

func (k *call) rotateKeys() error {
	var algorithm string
	delay := int64(-1)
	if err := k.body(optional(text("algorithm", &algorithm)), optional(number("delay", &delay))); err != nil {
		return err
	}
	if delay < -1 || delay > maxDelay {
		return fault.InvalidField("delay", "range", "a delay is from 0 to 2592000 seconds")
	}
	key, err := k.service.RotateKeys(k.ctx(), k.who(), auth.Rotation{Algorithm: algorithm, Delay: time.Duration(delay) * time.Second}, k.client())
	if err != nil {
		return err
	}
	return k.answer(fiber.StatusCreated, keyOf(key))
}

func (k *call) retireKey() error {
	var compromised bool
	if err := k.body(optional(flag("compromised", &compromised))); err != nil {
		return err
	}
	if err := k.service.RetireKey(k.ctx(), k.who(), k.param("id"), compromised, k.client()); err != nil {
		return err
	}
	return k.nothing()
}
