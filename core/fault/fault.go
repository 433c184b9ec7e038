// Package fault is the one error vocabulary of Hexward. Rules and adapters
// return a *Error whose Kind says what sort of failure it is; whoever stands at
// the edge (the web adapter, the command line) turns the Kind into a status or
// an exit code in one table and needs no other knowledge.
//
//	if taken {
//		return fault.New(fault.Conflict, "username_taken", "this user name is taken")
//	}
//
// An error without a Kind is Internal: its text is for the log, never for the
// caller.
package fault

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Kind is a sort of failure. The zero value is Internal.
type Kind uint8

// The kinds. Adapters map each to exactly one outcome of their protocol.
const (
	Internal        Kind = iota // a defect or an unforeseen failure: nothing of it is shown to the caller
	Invalid                     // the input breaks a rule; Fields say which members and why
	Unauthenticated             // nobody is signed in, or the credential is bad
	Forbidden                   // somebody is signed in, and may not
	NotFound                    // there is no such thing, or not for this caller
	Conflict                    // somebody else has it, or it has changed
	Throttled                   // too many attempts; RetryAfter says when to come back
	TooLarge                    // the input is over a size limit
	Unsupported                 // the media type or format is not one that is understood
	Unavailable                 // a dependency is down, locked, full or slow; the same call may work later
)

var kindNames = [...]string{
	"internal", "invalid", "unauthenticated", "forbidden", "not_found",
	"conflict", "throttled", "too_large", "unsupported", "unavailable",
}

// String returns the kind's stable lower-case name.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Internal]
}

// Field is one member of an input that breaks a rule.
type Field struct {
	Name    string `json:"name"`    // the member as the caller wrote it
	Code    string `json:"code"`    // stable, lower snake case
	Message string `json:"message"` // what is wrong and what would be right
}

// Error is a failure that callers may tell apart. Code is stable and lower
// snake case; Message is one sentence that may be shown to whoever made the
// call, so it carries no secret and no internals; the cause, if any, goes to
// the log only.
type Error struct {
	Kind       Kind
	Code       string
	Message    string
	Fields     []Field       // with Invalid: which members
	RetryAfter time.Duration // with Throttled, and Unavailable when known; > 0
	cause      error
}

// New returns an error of a kind with its stable code and a message for the
// caller.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Wrap is New with the error that caused it, which errors.Is and errors.As
// reach and which is never shown to the caller. A nil cause is allowed.
func Wrap(cause error, kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message, cause: cause}
}

// InvalidField returns an Invalid error about one member of the input. It is short for
// FieldsOf with one Field.
func InvalidField(name, code, message string) error {
	return FieldsOf(Field{Name: name, Code: code, Message: message})
}

// FieldsOf returns an Invalid error about these members, or nil if there are
// none, so that a rule can collect what is wrong and return it at once. Its code
// is the first field's.
func FieldsOf(fields ...Field) error {
	if len(fields) == 0 {
		return nil
	}
	messages := make([]string, len(fields))
	for i, f := range fields {
		messages[i] = f.Name + ": " + f.Message
	}
	return &Error{Kind: Invalid, Code: fields[0].Code, Message: strings.Join(messages, "; "), Fields: slices.Clone(fields)}
}

// Join returns one Invalid error of the fields of several, in their order, or nil when all are nil, so that everything
// that is wrong with an input is said at once. The first that is not about fields is returned as it is, in the place of
// all.
func Join(errs ...error) error {
	var list []Field
	for _, err := range errs {
		var e *Error
		switch {
		case err == nil:
		case errors.As(err, &e) && e.Kind == Invalid && len(e.Fields) > 0:
			list = append(list, e.Fields...)
		default:
			return err
		}
	}
	return FieldsOf(list...)
}

// RetryIn returns a Throttled error that may be tried again after d, which is
// raised to a second at least: Retry-After is in whole seconds.
func RetryIn(d time.Duration, code, message string) *Error {
	return &Error{Kind: Throttled, Code: code, Message: message, RetryAfter: max(d, time.Second)}
}

// Error returns the code, the message and the cause: text for logs.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, fault.New(kind, code, "")) true for an error of the
// same kind and code, whatever its message.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error) // the target as it is: errors.Is walks the chain
	return ok && t != nil && t.Kind == e.Kind && t.Code == e.Code
}

// KindOf returns the kind of the outermost *Error in err's chain, and Internal
// for any other error, nil included: ask only about errors.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// CodeOf returns the code of the outermost *Error in err's chain, or
// "internal".
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return "internal"
}
