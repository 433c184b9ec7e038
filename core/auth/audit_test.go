package auth_test

import (
	"strings"
	"testing"

	"github.com/hexward/hexward/core/auth"
)

// TestService_audit: what each use case writes to the audit log, and by whom it
// says that it was done.
func TestService_audit(t *testing.T) {
	want := map[string]string{
		"Register":                        "register ok new→new",
		"Register verified":               "register.mail ok →",
		"DevelopmentUser":                 "register ok new→new",
		"Login":                           "login ok alice→alice",
		"Login with an outdated hash":     "login ok alice→alice",
		"Logout":                          "logout ok alice→alice",
		"ChangeUsername":                  "username.change ok alice→alice",
		"DeleteAccount":                   "user.delete ok alice→alice",
		"SendConfirm":                     "confirm.send ok alice→alice",
		"Confirm":                         "confirm ok alice→alice",
		"Confirm a registration":          "register ok new→new",
		"ForgotPassword":                  "password.forgot ok →alice",
		"ResetPassword":                   "password.reset ok alice→alice",
		"ChangePassword":                  "password.change ok alice→alice",
		"EndSession":                      "session.end ok alice→alice",
		"EndOtherSessions":                "session.end_others ok alice→alice",
		"AddUser":                         "user.add ok root→new",
		"Ban":                             "user.ban ok root→alice",
		"Unban":                           "user.unban ok root→alice",
		"Kick":                            "user.kick ok root→alice",
		"Blackout":                        "blackout ok root→",
		"Permit":                          "user.permit ok root→alice",
		"RotateKeys":                      "key.rotate ok root→key-2",
		"RotateKeys with an imported key": "key.rotate ok root→key-2",
		"RotateBundleKeys":                "bundle_key.rotate ok root→key-3",
		"RetireBundleKey":                 "bundle_key.retire ok root→key-2",
		"ListBundleKeys":                  "",
		"BundleKeys":                      "",
		"Bundle":                          "",
		"Bundle since another":            "",
		"RetireKey":                       "key.retire ok root→key-1",
		"Setup":                           "user.add ok operator→new",
		"Me":                              "",
		"Refresh":                         "",
		"Renew":                           "",
		"CheckReset":                      "",
		"CheckSetup":                      "",
		"SetupLink":                       "",
		"ListSessions":                    "",
		"ListKeys":                        "",
		"SearchUsers":                     "",
		"FindUser by id":                  "",
		"FindUser by name":                "",
		"AuditLog":                        "",
		"Load":                            "",
		"Load the first time":             "",
		"Sweep":                           "",
		"Vouch":                           "",
		"Authenticate by a foreign token": "",
		"Authenticate by the first foreign token":          "identity.link ok new→new, register ok new→new",
		"Authenticate by an API token":                     "",
		"Authenticate by an access token":                  "",
		"Authenticate by a remembered session":             "",
		"Authenticate by a session that is not remembered": "",
	}
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			expected, ok := want[f.name]
			if !ok {
				expected, ok = upstreamAudit[f.name]
			}
			if !ok {
				expected, ok = machineAudit[f.name]
			}
			if !ok {
				t.Fatal("nobody says what it writes")
			}
			w, run := f.world(t)
			w.events = nil
			result, err := run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.note(result)
			if got := strings.Join(w.log(), ", "); got != expected {
				t.Errorf("%q, want %q", got, expected)
			}
			for _, e := range w.events {
				client := e.Address == "203.0.113.7" && e.Agent == "test/1" && e.Request == "req-1"
				if e.ID == "" || e.At.IsZero() || !client {
					t.Errorf("%+v", e)
				}
				if g, ok := result.(*auth.Grant); ok && e.Action == "login" && e.Session != g.Session.ID {
					t.Errorf("the event is of session %s", e.Session)
				}
			}
		})
	}
}
