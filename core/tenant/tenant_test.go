package tenant_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hexward/hexward/core/fault"
	"github.com/hexward/hexward/core/tenant"
)

var (
	now   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	later = now.Add(time.Hour)
)

// wrong returns "name code" for each field that a fault names.
func wrong(t *testing.T, err error) (list []string) {
	t.Helper()
	if err == nil {
		return nil
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, field := range f.Fields {
		list = append(list, field.Name+" "+field.Code)
	}
	return list
}

func TestNew(t *testing.T) {
	tests := []struct {
		name, id, given string
		want            []string
	}{
		{"plain", "acme", "Acme", nil},
		{"every sort of character", "0a.b_c-9", "Àcmé & Söhne — 株式会社　東京", nil},
		{"the longest", strings.Repeat("a", 64), strings.Repeat("a", 200), nil},
		{"the default", tenant.Default, "Ours", nil},
		{"both wrong", "Acme", "", []string{"id form", "name form"}},
		{"no id", "", "Acme", []string{"id form"}},
		{"too long an id", strings.Repeat("a", 65), "Acme", []string{"id form"}},
		{"upper case", "acMe", "Acme", []string{"id form"}},
		{"a dot first", ".acme", "Acme", []string{"id form"}},
		{"a hyphen first", "-acme", "Acme", []string{"id form"}},
		{"an underscore first", "_acme", "Acme", []string{"id form"}},
		{"two dots", "..", "Acme", []string{"id form"}},
		{"a slash", "a/b", "Acme", []string{"id form"}},
		{"a space", "a b", "Acme", []string{"id form"}},
		{"a percent sign", "a%62", "Acme", []string{"id form"}},
		{"a line feed behind", "acme\n", "Acme", []string{"id form"}},
		{"a NUL", "a\x00", "Acme", []string{"id form"}},
		{"a letter of another alphabet", "аcme", "Acme", []string{"id form"}},
		{"no UTF-8", "a\xff", "Acme", []string{"id form"}},
		{"the byte before 0", "a/", "Acme", []string{"id form"}},
		{"the byte after 9", "a:", "Acme", []string{"id form"}},
		{"the byte before a", "a`", "Acme", []string{"id form"}},
		{"the byte after z", "a{", "Acme", []string{"id form"}},
		{"only space", "acme", " \t\u00a0", []string{"name form"}},
		{"too long a name", "acme", strings.Repeat("a", 201), []string{"name form"}},
		{"a line feed", "acme", "Ac\nme", []string{"name form"}},
		{"an escape", "acme", "Ac\x1b[2Jme", []string{"name form"}},
		{"a control character of the second range", "acme", "Ac\u0085me", []string{"name form"}},
		{"text from right to left", "acme", "Ac\u202eme", []string{"name form"}},
		{"nothing that can be seen", "acme", "\u200b", []string{"name form"}},
		{"a line separator", "acme", "Ac\u2028me", []string{"name form"}},
		{"a name that is no UTF-8", "acme", "Ac\xffme", []string{"name form"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := tenant.New(test.id, test.given, now)
			if diff := cmp.Diff(test.want, wrong(t, err)); diff != "" {
				t.Error(diff)
			}
			want := tenant.Tenant{ID: test.id, Name: test.given, CreatedAt: now, UpdatedAt: now}
			if err != nil {
				want = tenant.Tenant{}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTenant_Rename(t *testing.T) {
	was := tenant.Tenant{ID: "acme", Name: "Acme", CreatedAt: now, UpdatedAt: now}
	got := was
	if err := got.Rename("  Acme Two\u00a0\n", later); err != nil || got.Name != "Acme Two" || !got.UpdatedAt.Equal(later) || !got.CreatedAt.Equal(now) {
		t.Errorf("got %+v, %v", got, err)
	}
	got = was
	if err := got.Rename("", later); err == nil {
		t.Error("an empty name is taken")
	}
	if diff := cmp.Diff(was, got); diff != "" {
		t.Errorf("a name that is refused changes it: %s", diff)
	}
}

func TestTenant_Link(t *testing.T) {
	azure, cognito := tenant.External{Source: "azure", ID: "8f3e…"}, tenant.External{Source: "cognito", ID: "eu west"}
	other, _ := tenant.New("acme", "Acme", now)
	for _, e := range []tenant.External{azure, cognito, azure} {
		if err := other.Link(e, later); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]tenant.External{azure, cognito}, other.External); diff != "" || !other.UpdatedAt.Equal(later) {
		t.Errorf("at %s: %s", other.UpdatedAt, diff)
	}

	// What is like another is another: what others say is compared to the letter.
	for _, e := range []tenant.External{{Source: "azure", ID: "8F3E…"}, {Source: "azure", ID: "8f3e… "}, {Source: "Azure", ID: "8f3e…"}} {
		if err := other.Unlink(e, now); fault.KindOf(err) != fault.NotFound || fault.CodeOf(err) != "external_unknown" {
			t.Errorf("%+v: %v", e, err)
		}
	}

	// A copy does not change with it.
	before := other
	if err := other.Unlink(azure, now); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]tenant.External{cognito}, other.External); diff != "" || !other.UpdatedAt.Equal(now) {
		t.Error(diff)
	}
	if err := other.Link(tenant.External{Source: "x", ID: "y"}, now); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]tenant.External{azure, cognito}, before.External); diff != "" {
		t.Errorf("a copy: %s", diff)
	}
	one, two := tenant.Tenant{External: make([]tenant.External, 0, 8)}, tenant.Tenant{}
	two.External = one.External
	if err := fault.Join(one.Link(azure, now), two.Link(cognito, now)); err != nil || one.External[0] != azure || two.External[0] != cognito {
		t.Errorf("two copies: %+v, %+v, %v", one, two, err)
	}
}

func TestTenant_Link_refused(t *testing.T) {
	tests := []struct {
		name string
		e    tenant.External
		want []string
	}{
		{"the longest", tenant.External{Source: strings.Repeat("s", 64), ID: strings.Repeat("i", 255)}, nil},
		{"an URL", tenant.External{Source: "azure", ID: "https://login.example/8f3e"}, nil},
		{"nothing", tenant.External{}, []string{"external form"}},
		{"no source", tenant.External{ID: "x"}, []string{"external form"}},
		{"no id", tenant.External{Source: "azure"}, []string{"external form"}},
		{"too long a source", tenant.External{Source: strings.Repeat("s", 65), ID: "x"}, []string{"external form"}},
		{"too long an id", tenant.External{Source: "azure", ID: strings.Repeat("i", 256)}, []string{"external form"}},
		{"a line feed", tenant.External{Source: "azure", ID: "x\ny"}, []string{"external form"}},
		{"a line feed in the source", tenant.External{Source: "az\nure", ID: "x"}, []string{"external form"}},
		{"what cannot be seen", tenant.External{Source: "azure", ID: "x\u200b"}, []string{"external form"}},
		{"no UTF-8", tenant.External{Source: "azure", ID: "\xff"}, []string{"external form"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := tenant.Tenant{ID: "acme", UpdatedAt: now}
			err := got.Link(test.e, later)
			if diff := cmp.Diff(test.want, wrong(t, err)); diff != "" {
				t.Error(diff)
			}
			if err != nil && (len(got.External) > 0 || !got.UpdatedAt.Equal(now)) {
				t.Errorf("it changed: %+v", got)
			}
		})
	}

	var full tenant.Tenant
	for i := range tenant.MaxExternal {
		if err := full.Link(tenant.External{Source: "azure", ID: fmt.Sprint(i)}, now); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"external too_many"}, wrong(t, full.Link(tenant.External{Source: "azure", ID: "more"}, now))); diff != "" || len(full.External) != 100 {
		t.Error(diff)
	}
	if err := full.Link(tenant.External{Source: "azure", ID: "7"}, now); err != nil {
		t.Errorf("one that it has: %v", err)
	}
}

func TestScope(t *testing.T) {
	tests := []struct {
		name  string
		scope tenant.Scope
		sees  []string // of "", "acme", "acme2", "default"
		one   string
		all   bool
	}{
		{"the zero value", tenant.Scope{}, nil, "", false},
		{"of nobody", tenant.Only(""), nil, "", false},
		{"of one", tenant.Only("acme"), []string{"acme"}, "acme", false},
		{"of the default one", tenant.Only(tenant.Default), []string{"default"}, "default", false},
		{"of all", tenant.Every(), []string{"", "acme", "acme2", "default"}, "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var sees []string
			for _, id := range []string{"", "acme", "acme2", "default"} {
				if test.scope.Sees(id) {
					sees = append(sees, id)
				}
			}
			one, ok := test.scope.One()
			if diff := cmp.Diff(test.sees, sees); diff != "" || one != test.one || ok != (test.one != "") || test.scope.All() != test.all {
				t.Errorf("one is %q, %t, all is %t, %s", one, ok, test.scope.All(), diff)
			}
		})
	}
}

func ExampleScope() {
	own := tenant.Only("acme") // what a principal of this tenant administers
	fmt.Println(own.Sees("acme"), own.Sees("globex"))

	var forgotten tenant.Scope
	fmt.Println(forgotten.Sees("acme"), forgotten.Sees(""))
	// Output:
	// true false
	// false false
}

func ExampleNew() {
	_, err := tenant.New("Acme!", "", time.Now())
	fmt.Println(err)
	// Output:
	// form: id: a tenant's id is 1 to 64 lower-case letters, digits and ._- characters, and begins with a letter or digit; name: a tenant's name is 1 to 200 bytes of printable text
}
