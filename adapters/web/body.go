package web

import (
	"bytes"
	"encoding/json"
	"mime"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/token"
)

// member is one member that a body may have.
type member struct {
	name     string
	required bool
	expects  string // what its value is, in words
	set      func(token.Value) bool
}

// The sorts of members. Without optional they have to be there.
func text(name string, into *string) member {
	return member{name, true, "a string", func(v token.Value) (ok bool) {
		*into, ok = v.Text()
		return ok
	}}
}

func texts(name string, into *[]string) member {
	return member{name, true, "an array of strings", func(v token.Value) bool {
		if v.Kind() != token.KindArray {
			return false
		}
		*into = []string{}
		for c := v.Members(); c.Next(); {
			s, ok := c.Value().Text()
			if !ok {
				return false
			}
			*into = append(*into, s)
		}
		return true
	}}
}

func flag(name string, into *bool) member {
	return member{name, true, "true or false", func(v token.Value) (ok bool) {
		*into, ok = v.Bool()
		return ok
	}}
}

func number(name string, into *int64) member {
	return member{name, true, "an integer", func(v token.Value) (ok bool) {
		*into, ok = v.Int()
		return ok
	}}
}

func moment(name string, into *time.Time) member {
	return member{name, true, "a time as 2006-01-02T15:04:05Z (RFC 3339)", func(v token.Value) bool {
		s, ok := v.Text()
		if !ok {
			return false
		}
		t, err := time.Parse(time.RFC3339, s)
		*into = t
		return err == nil
	}}
}

func object(name string, into *[]byte) member {
	return member{name, true, "an object", func(v token.Value) bool {
		*into = []byte(v.Raw())
		return v.Kind() == token.KindObject
	}}
}

func optional(m member) member {
	m.required = false
	return m
}

// orNull lets a member be null, which changes nothing of what it is read into.
func orNull(m member) member {
	set := m.set
	m.expects += " or null"
	m.set = func(v token.Value) bool { return v.Kind() == token.KindNull || set(v) }
	return m
}

// said notes that a member is there.
func said(m member, there *bool) member {
	set := m.set
	m.set = func(v token.Value) bool { *there = true; return set(v) }
	return m
}

// given points at what a member is read into if it is there.
func given[T any](m member, at **T, value *T) member {
	set := m.set
	m.set = func(v token.Value) bool { *at = value; return set(v) }
	return m
}

var (
	errMediaType = fault.New(fault.Unsupported, "content_type", "a body is application/json in UTF-8, without a content encoding")
	errMalformed = fault.New(fault.Invalid, "malformed_json", "the body is not one JSON object")
)

// body reads the request's body: one JSON object with these members and no other.
// No body at all is an empty object.
func (k *call) body(members ...member) error {
	h := &k.Request().Header
	raw := k.Request().Body()
	if len(raw) > 0 && (!isJSON(string(h.ContentType())) || len(h.Peek(fiber.HeaderContentEncoding)) > 0) {
		return errMediaType
	}
	if len(raw) > maxBody { // an app around us may take more
		return outsideErrors[fiber.StatusRequestEntityTooLarge]
	}
	return decode(string(raw), members)
}

// isJSON reports whether a Content-Type is application/json, in UTF-8 if it says.
func isJSON(contentType string) bool {
	if contentType == fiber.MIMEApplicationJSON {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != fiber.MIMEApplicationJSON {
		return false
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return false
		}
	}
	return true
}

// decode reads one JSON object strictly: names match to the letter, and what is
// unknown, repeated, missing or of another type is named, all at once.
func decode(doc string, members []member) error {
	if doc == "" {
		doc = "{}"
	}
	object, err := token.ParseJSON(doc)
	if err != nil {
		if name, ok := repeated(doc); ok {
			return fault.InvalidField(name, "duplicate", "this member is there more than once")
		}
		return errMalformed
	}
	if object.Kind() != token.KindObject {
		return errMalformed
	}
	var wrong []fault.Field
	seen := make([]bool, len(members))
	for c := object.Members(); c.Next(); {
		name := c.Name()
		i := slices.IndexFunc(members, func(m member) bool { return m.name == name })
		switch {
		case i < 0:
			if len(wrong) < maxWrong {
				wrong = append(wrong, fault.Field{Name: shorten(name), Code: "unknown", Message: "there is no such member here"})
			}
		case !members[i].set(c.Value()):
			seen[i] = true
			wrong = append(wrong, fault.Field{Name: name, Code: "type", Message: "this is " + members[i].expects})
		default:
			seen[i] = true
		}
	}
	for i, m := range members {
		if m.required && !seen[i] {
			wrong = append(wrong, fault.Field{Name: m.name, Code: "required", Message: "this member is required: " + m.expects})
		}
	}
	return fault.FieldsOf(wrong...)
}

// maxWrong bounds how many unknown members are named.
const maxWrong = 8

// shorten bounds a name that somebody else chose.
func shorten(name string) string {
	if len(name) > 64 {
		return strings.ToValidUTF8(name[:64], "") + "…"
	}
	return name
}

// repeated returns the name that makes a refused object refused: the first one
// that is there twice. Nothing but the name is taken from this second reading.
func repeated(doc string) (string, bool) {
	d := json.NewDecoder(bytes.NewReader([]byte(doc)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return "", false
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return "", false
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return "", false
		}
		if seen[name] {
			return shorten(name), true
		}
		seen[name] = true
	}
	return "", false
}
