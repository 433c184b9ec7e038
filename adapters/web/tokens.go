package web

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/fault"
)

// apiTokenJSON is an API token. Token is its text, which is told once, to who made it.
type apiTokenJSON struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"` // null for never
	UsedAt    *time.Time `json:"used_at"`    // to the minute; null for not yet
	Token     string     `json:"token,omitempty"`
}

func apiTokenOf(t *apitoken.Token, text string) apiTokenJSON {
	return apiTokenJSON{
		ID: t.ID, Name: t.Name, Scopes: listed(t.Scopes), CreatedAt: t.CreatedAt.UTC(),
		ExpiresAt: timeOrNull(t.ExpiresAt), UsedAt: timeOrNull(t.UsedAt), Token: text,
	}
}

// listed returns a list that is an array in JSON, even if it is empty.
func listed(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (k *call) listTokens() error {
	list, err := k.service.ListAPITokens(k.ctx(), k.who())
	if err != nil {
		return err
	}
	out := make([]apiTokenJSON, len(list))
	for i := range list {
		out[i] = apiTokenOf(&list[i], "")
	}
	return k.answer(fiber.StatusOK, struct {
		Tokens []apiTokenJSON `json:"tokens"`
	}{out})
}

// newAPIToken reads the body of makeToken. A token that is to expire says when, or in
// how many seconds; one that says neither never does.
func (k *call) newAPIToken() (in auth.NewAPIToken, err error) {
	var at time.Time
	in.Scopes = []string{}
	seconds, saidAt, saidIn := int64(0), false, false
	err = k.body(text("name", &in.Name), texts("scopes", &in.Scopes),
		optional(said(moment("expires_at", &at), &saidAt)), optional(said(number("expires_in", &seconds), &saidIn)))
	switch {
	case err != nil:
		return in, err
	case saidAt && saidIn:
		return in, fault.InvalidField("expires_in", "conflict", "a token has expires_at or expires_in, not both")
	case saidIn && (seconds < 1 || seconds > int64(apitoken.MaxLife/time.Second)):
		return in, fault.InvalidField("expires_in", "range", "a token expires after 1 second to ten years")
	case saidAt && at.IsZero(): // which would mean never
		return in, fault.InvalidField("expires_at", "range", "a token expires after now, within ten years")
	case saidIn:
		at = k.service.Now().Add(time.Duration(seconds) * time.Second)
	}
	in.Expires = at
	return in, nil
}

func (k *call) makeToken() error {
	in, err := k.newAPIToken()
	if err != nil {
		return err
	}
	t, text, err := k.service.MakeAPIToken(k.ctx(), k.who(), in, k.client())
	if err != nil {
		return err
	}
	k.Response().Header.Set(fiber.HeaderLocation, "/tokens/"+t.ID)
	return k.answer(fiber.StatusCreated, apiTokenOf(&t, text))
}

func (k *call) deleteToken() error {
	if err := k.body(); err != nil {
		return err
	}
	if err := k.service.DeleteAPIToken(k.ctx(), k.who(), k.pathID(), k.client()); err != nil {
		return err
	}
	return k.nothing()
}
