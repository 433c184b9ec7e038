package user

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// LoginKey returns the key by which a store knows whoever signs in as login: an
// e-mail address if it has an "@", else a user name. It is empty if nobody can
// have such a one. It asks less than ParseName, which is for new names: who is
// called "вера" may type "ВЕРА", although as a new name that looks Latin.
func LoginKey(login string) string {
	if strings.Contains(login, "@") {
		email, _ := ParseEmail(login)
		return email.Key()
	}
	login = strings.Trim(login, " \t\r\n")
	if len(login) > 16*MaxName || !utf8.ValidString(login) {
		return ""
	}
	display, err := precis.UsernameCasePreserved.String(login)
	if err != nil {
		return ""
	}
	key, err := keyOf(display)
	if n := utf8.RuneCountInString(key); err != nil || n < MinName || n > MaxName || strings.Contains(key, "@") {
		return ""
	}
	return key
}
