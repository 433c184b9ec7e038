package issuer

import (
	"slices"
	"strings"
)

// preset is a product whose access tokens are known.
type preset uint8

// The presets.
const (
	unknown preset = iota

	// RFC 9068. Where the configuration takes tokens whose header does not say what they are: an ID token is for its
	// client, so what names it both as the audience and as the party is one (OpenID Connect Core 1.0 §2).
	oidc

	// The default profile has typ JWT and azp, that of RFC 9068 at+jwt and client_id:
	// https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles. A machine's subject is its client's id and
	// "@clients", and gty, where it is there, client-credentials; so its tokens show, and no list of its documents. A user's has the name of a
	// connection and a bar in front: https://auth0.com/docs/manage-users/user-accounts/identify-users.
	auth0

	// A service client signs its tokens itself, and is an issuer of its own, whose tokens speak of nobody else:
	// https://github.com/Authress/authress-sdk.js/blob/main/src/serviceClientTokenProvider.js and tokenVerifier.js beside it.
	authress

	// There is client_id in place of aud, and username for people:
	// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html. A machine
	// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html) has
	// its client's id as the subject, and no username, as its tokens show.
	cognito

	// Access tokens are typ JWT in the header, or at+jwt where the client asks for it, and Bearer in the claims; ID, refresh and
	// logout tokens differ in the claims: https://www.keycloak.org/docs/latest/server_admin/. A service account is a user
	// of that name, whose tokens have the client's id also as client_id, or clientId:
	// https://www.keycloak.org/docs/latest/server_admin/#_service_accounts and
	// https://github.com/keycloak/keycloak/blob/main/core/src/main/java/org/keycloak/constants/ServiceAccountConstants.java.
	keycloak

	// Tokens of version 2 have azp and of version 1 appid, which ID tokens have not; idtyp, where it is configured, says app, and
	// else the tokens of an app have no scp, and its oid as the subject:
	// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference and
	// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference.
	microsoft
)

var presetNames = [...]string{"", "oidc", "auth0", "authress", "cognito", "keycloak", "microsoft"}

// Presets returns the names that Rules.Preset may have, in order.
func Presets() []string {
	names := slices.Clone(presetNames[1:])
	slices.Sort(names)
	return names
}

func presetOf(name string) preset {
	if name == "" {
		return oidc
	}
	for i := range presetNames {
		if i > 0 && presetNames[i] == name {
			return preset(i)
		}
	}
	return unknown
}

// clientOf returns the id of the client that the token was issued to: the first of the preset's claims for it that is there.
func (s *statement) clientOf(p preset) string {
	switch p {
	case auth0:
		return first(s.AuthorizedParty, s.ClientID)
	case authress:
		return first(s.ClientID, s.AuthorizedParty)
	case cognito:
		return s.ClientID
	case keycloak:
		return s.AuthorizedParty
	case microsoft:
		return first(s.AuthorizedParty, s.appid)
	default:
		return first(first(s.ClientID, s.AuthorizedParty), first(s.cid, s.appid))
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// access reports whether the token is meant as an access token. typed tells that its header says so.
func (s *statement) access(p preset, typed bool) bool {
	switch {
	case s.events, s.use != "" && s.use != "access":
		return false // a security event or logout token (RFC 8417 §2.2); Cognito's way of saying it, where anybody uses it
	case p == cognito:
		return s.use == "access"
	case p == keycloak:
		return s.typ == "Bearer"
	case typed:
		return true
	case s.typ != "" && !fold(s.typ, "bearer") && !fold(s.typ, "at+jwt") && !fold(s.typ, "access"):
		return false // Keycloak's way of saying it
	default:
		return !s.nonce && !s.hash && s.proves(p)
	}
}

// proves reports whether there is what access tokens have and ID tokens have not, where no claim says which of them a token is.
func (s *statement) proves(p preset) bool {
	switch p {
	case auth0:
		return s.client != "" && !slices.Contains(s.Audience, s.client)
	case microsoft:
		return s.client != ""
	default:
		return !slices.Contains(s.Audience, s.AuthorizedParty) && (s.scoped || s.ClientID != "" || s.grant != "" || len(s.Permissions) > 0)
	}
}

// machine reports whether the token is a machine's, as long as there are no other rules about that.
func (s *statement) machine(p preset) bool {
	switch p {
	case auth0:
		id, is := strings.CutSuffix(s.Subject, "@clients")
		return is && id != "" && id == s.client && (s.grant == "" || s.grant == "client-credentials")
	case authress:
		id, is := serviceClient(s.Issuer)
		return s.self() || is && unescapes(id, s.Subject)
	case cognito:
		return s.self() && s.Username == ""
	case keycloak:
		return s.client != "" && (s.ClientID == s.client || s.clientID == s.client) && isServiceAccount(s.name, s.client)
	case microsoft:
		return s.kind == "app" || s.kind == "" && !s.scoped && s.oid != "" && s.oid == s.Subject
	default:
		return s.self()
	}
}

// isServiceAccount reports whether Keycloak calls a client's service account so, which writes names in lower case.
func isServiceAccount(name, client string) bool {
	rest, is := cutFold(name, "service-account-")
	return is && fold(rest, client)
}

// self reports whether the subject is the client (RFC 9068 §2.2; no user has a client's id, §5).
func (s *statement) self() bool { return s.client != "" && s.Subject == s.client }

// speaks reports whether the issuer may have this subject.
func (s *statement) speaks(p preset) bool {
	if p != authress {
		return true
	}
	id, is := serviceClient(s.Issuer)
	return !is || unescapes(id, s.Subject)
}

// ServiceClient reports whether an issuer is a service client of Authress, which signs its tokens itself.
func ServiceClient(issuer string) bool {
	_, is := serviceClient(issuer)
	return is
}

// serviceClient returns the id of the service client that an issuer of Authress is, percent-encoded as it stands in the path.
func serviceClient(issuer string) (id string, is bool) {
	_, path, _ := cut(issuer, ':')
	if !strings.HasPrefix(path, "//") {
		return "", false
	}
	_, path, _ = cut(path[2:], '/')
	_, path, _ = cut(path, '/')
	word, id, _ := cut(path, '/')
	if _, _, more := cut(id, '/'); more || word != "clients" || id == "" {
		return "", false
	}
	for i := 0; i < len(id); i++ {
		if id[i] == '%' {
			if i+2 >= len(id) || unhex(id[i+1]) < 0 || unhex(id[i+2]) < 0 {
				return "", false
			}
			i += 2
		}
	}
	return id, true
}

// unescapes reports whether a text is what a percent-encoded one says (RFC 3986 §2.1), whose form serviceClient has checked.
func unescapes(escaped, text string) bool {
	n := 0
	for i := 0; i < len(escaped); i, n = i+1, n+1 {
		c := escaped[i]
		if c == '%' && i+2 < len(escaped) {
			c = byte(unhex(escaped[i+1])<<4 | unhex(escaped[i+2])) //nolint:gosec // two digits
			i += 2
		}
		if n >= len(text) || text[n] != c {
			return false
		}
	}
	return n == len(text)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}
