package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hexward/hexward/core/fault"
)

func TestKind_String(t *testing.T) {
	tests := []struct {
		kind fault.Kind
		want string
	}{
		{fault.Internal, "internal"},
		{fault.Invalid, "invalid"},
		{fault.Unauthenticated, "unauthenticated"},
		{fault.Forbidden, "forbidden"},
		{fault.NotFound, "not_found"},
		{fault.Conflict, "conflict"},
		{fault.Throttled, "throttled"},
		{fault.TooLarge, "too_large"},
		{fault.Unsupported, "unsupported"},
		{fault.Unavailable, "unavailable"},
		{fault.Unavailable + 1, "internal"},
		{255, "internal"},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			if got := test.kind.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestKindOf(t *testing.T) {
	taken := fault.New(fault.Conflict, "taken", "it is taken")
	tests := []struct {
		name string
		err  error
		kind fault.Kind
		code string
	}{
		{"nil", nil, fault.Internal, "internal"},
		{"any other", io.EOF, fault.Internal, "internal"},
		{"a fault", taken, fault.Conflict, "taken"},
		{"wrapped", fmt.Errorf("add: %w", taken), fault.Conflict, "taken"},
		{"joined", errors.Join(io.EOF, taken), fault.Conflict, "taken"},
		{"the outermost counts", fault.Wrap(taken, fault.Unavailable, "busy", "try again"), fault.Unavailable, "busy"},
		{"around another", fault.Wrap(io.EOF, fault.Unavailable, "busy", "try again"), fault.Unavailable, "busy"},
		{"around nothing", fault.Wrap(nil, fault.TooLarge, "body", "it is too large"), fault.TooLarge, "body"},
		{"throttled", fault.RetryIn(time.Minute, "attempts", "wait"), fault.Throttled, "attempts"},
		{"a field", fault.InvalidField("email", "malformed", "no @"), fault.Invalid, "malformed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := fault.KindOf(test.err); got != test.kind {
				t.Errorf("got the kind %v, want %v", got, test.kind)
			}
			if got := fault.CodeOf(test.err); got != test.code {
				t.Errorf("got the code %s, want %s", got, test.code)
			}
		})
	}
}

func TestError(t *testing.T) {
	err := fault.Wrap(context.DeadlineExceeded, fault.Unavailable, "store_slow", "please try again")
	if got, want := err.Error(), "store_slow: please try again: context deadline exceeded"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := err.Message, "please try again"; got != want {
		t.Errorf("what the caller sees is %q, want %q", got, want)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error("the cause is out of reach")
	}
	if got, want := fault.New(fault.NotFound, "user", "no such user").Error(), "user: no such user"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if cause := errors.Unwrap(fault.New(fault.NotFound, "user", "no such user")); cause != nil {
		t.Errorf("got the cause %v", cause)
	}
}

func TestError_Is(t *testing.T) {
	err := fmt.Errorf("sign in: %w", fault.Wrap(io.EOF, fault.NotFound, "user", "no such user"))
	tests := []struct {
		name   string
		target error
		want   bool
	}{
		{"same kind and code", fault.New(fault.NotFound, "user", "another message"), true},
		{"another code", fault.New(fault.NotFound, "session", "no such user"), false},
		{"another kind", fault.New(fault.Conflict, "user", "no such user"), false},
		{"the cause", io.EOF, true},
		{"another error", io.ErrUnexpectedEOF, false},
		{"a fault behind another error", fmt.Errorf("x: %w", fault.New(fault.NotFound, "user", "")), false},
		{"no fault", (*fault.Error)(nil), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := errors.Is(err, test.target); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestFieldsOf(t *testing.T) {
	if err := fault.FieldsOf(); err != nil {
		t.Errorf("no fields: got %v", err)
	}
	name := fault.Field{Name: "username", Code: "too_short", Message: "at least 3"}
	mail := fault.Field{Name: "email", Code: "malformed", Message: "one @"}
	fields := []fault.Field{name, mail}
	err := fault.FieldsOf(fields...)
	fields[0].Code = "changed"
	var got *fault.Error
	if !errors.As(err, &got) {
		t.Fatalf("got %v", err)
	}
	want := &fault.Error{
		Kind: fault.Invalid, Code: "too_short", Message: "username: at least 3; email: one @", Fields: []fault.Field{name, mail},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(fault.Error{})); diff != "" {
		t.Error(diff)
	}
}

func TestJoin(t *testing.T) {
	name := fault.Field{Name: "username", Code: "too_short", Message: "at least 3"}
	mail := fault.Field{Name: "email", Code: "malformed", Message: "one @"}
	word := fault.Field{Name: "password", Code: "common", Message: "is guessed first"}
	taken := fault.New(fault.Conflict, "taken", "is taken")
	odd := &fault.Error{Kind: fault.Conflict, Code: "taken", Fields: []fault.Field{name}}
	plain := errors.New("disk full")
	tests := []struct {
		name   string
		errs   []error
		fields []fault.Field
		other  error
	}{
		{name: "none"},
		{name: "nils", errs: []error{nil, nil}},
		{name: "one", errs: []error{nil, fault.FieldsOf(name)}, fields: []fault.Field{name}},
		{name: "several", errs: []error{fault.FieldsOf(name, mail), nil, fault.FieldsOf(word)}, fields: []fault.Field{name, mail, word}},
		{name: "a wrapped one", errs: []error{fmt.Errorf("register: %w", fault.FieldsOf(name)), fault.FieldsOf(mail)}, fields: []fault.Field{name, mail}},
		{name: "another kind", errs: []error{fault.FieldsOf(name), taken, plain}, other: taken},
		{name: "another kind with fields", errs: []error{nil, odd, fault.FieldsOf(name)}, other: odd},
		{name: "no fault", errs: []error{plain, fault.FieldsOf(name)}, other: plain},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := fault.Join(test.errs...)
			if test.fields == nil {
				if got != test.other { //nolint:errorlint // as it is, not wrapped
					t.Errorf("got %v, want %v", got, test.other)
				}
				return
			}
			var f *fault.Error
			if !errors.As(got, &f) || f.Kind != fault.Invalid || f.Code != test.fields[0].Code {
				t.Fatalf("got %v", got)
			}
			if diff := cmp.Diff(test.fields, f.Fields); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetryIn(t *testing.T) {
	for _, test := range []struct{ in, want time.Duration }{
		{-time.Hour, time.Second},
		{0, time.Second},
		{time.Millisecond, time.Second},
		{time.Second, time.Second},
		{90 * time.Second, 90 * time.Second},
	} {
		if got := fault.RetryIn(test.in, "attempts", "wait").RetryAfter; got != test.want {
			t.Errorf("%v: got %v, want %v", test.in, got, test.want)
		}
	}
}

func ExampleKindOf() {
	err := fmt.Errorf("register: %w", fault.New(fault.Conflict, "username_taken", "this user name is taken"))
	switch fault.KindOf(err) {
	case fault.Conflict:
		fmt.Println(409, fault.CodeOf(err))
	default:
		fmt.Println(500)
	}
	// Output: 409 username_taken
}

func ExampleFieldsOf() {
	var wrong []fault.Field
	if name := "al"; len(name) < 3 {
		wrong = append(wrong, fault.Field{Name: "username", Code: "too_short", Message: "a user name has at least 3 characters"})
	}
	fmt.Println(fault.FieldsOf(wrong...))
	// Output: too_short: username: a user name has at least 3 characters
}
