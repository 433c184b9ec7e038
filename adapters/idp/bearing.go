package idp

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/hexward/hexward/core/token"
)

// bearing is what the access tokens of a preset are like.
type bearing struct {
	types   []string // the accepted typ
	clients bool     // aud may be missing, so that the clients have to be listed
	client  []string // the claims that are the client's id, the best first
	subject string   // the member that is the subject in what the interface for users answers

	// marked reports whether a claim says that this is an access token, and no other sort. Where nothing does it is
	// nil, and proves reports whether there is what access tokens have and ID tokens have not.
	marked, proves func(*statement) bool

	machine func(*statement) bool             // a machine's, as long as the configuration has no rules
	jwks    func(issuer string) string        // where the keys of an issuer without discovery are; "" for others
	speaks  func(issuer, subject string) bool // whether the issuer may have this subject; nil for any
}

// statement is what counts of a token's claims beyond what core/token reads. Texts are empty for what is missing or no string.
type statement struct {
	*token.Claims
	use, typ, grant, kind string // token_use, typ, gty, idtyp
	oid                   string
	party                 string // azp
	appid, cid, clientID  string // clientId
	name                  string // preferred_username
	scoped                bool   // there is scope or scp
	nonce, hash, events   bool   // there is nonce; at_hash, c_hash or s_hash; events
	bound                 bool   // there is cnf
	client                string // as the preset's claims say
}

// state reads the claims once.
func state(c *token.Claims) (s statement, err error) {
	s.Claims, s.party = c, c.AuthorizedParty
	v, err := token.ParseJSON(c.Raw())
	if err != nil {
		return s, err
	}
	for m := v.Members(); m.Next(); {
		var to *string
		switch m.Name() {
		case "token_use":
			to = &s.use
		case "typ":
			to = &s.typ
		case "gty":
			to = &s.grant
		case "idtyp":
			to = &s.kind
		case "oid":
			to = &s.oid
		case "appid":
			to = &s.appid
		case "cid":
			to = &s.cid
		case "clientId":
			to = &s.clientID
		case "preferred_username":
			to = &s.name
		case "scope", "scp":
			s.scoped = true
		case "nonce":
			s.nonce = true
		case "at_hash", "c_hash", "s_hash":
			s.hash = true
		case "events":
			s.events = true
		case "cnf":
			s.bound = true
		}
		if to != nil {
			*to, _ = m.Value().Text()
			if *to == "" { // a number, say, is not the same as nothing
				*to = m.Value().Raw()
			}
		}
	}
	return s, nil
}

// of sets the client to the first of the claims that is there.
func (s *statement) of(claims []string) {
	for _, name := range claims {
		if s.client == "" {
			switch name {
			case "client_id":
				s.client = s.ClientID
			case "azp":
				s.client = s.party
			case "appid":
				s.client = s.appid
			case "cid":
				s.client = s.cid
			}
		}
	}
}

// access reports whether the token is meant as an access token. plain tells that its header does not say so.
func (b *bearing) access(s *statement, plain bool) bool {
	switch {
	case s.events, s.use != "" && s.use != "access":
		return false // a security event or logout token (RFC 8417 §2.2); Cognito's way of saying it, where anybody uses it
	case b.marked != nil:
		return b.marked(s)
	case !plain:
		return true
	case s.typ != "" && !slices.Contains([]string{"bearer", "at+jwt", "access"}, strings.ToLower(s.typ)):
		return false // Keycloak's way of saying it
	default:
		return !s.nonce && !s.hash && b.proves(s)
	}
}

// self reports whether the subject is the client (RFC 9068 §2.2; no user has a client's id, §5).
func self(s *statement) bool { return s.client != "" && s.Subject == s.client }

// The presets' access tokens.
var (
	// RFC 9068. Where the configuration takes tokens whose header does not say what they are: an ID token is for its
	// client, so what names it both as the audience and as the party is one (OpenID Connect Core 1.0 §2).
	anyBearer = bearing{
		types: []string{token.TypeAccess}, client: []string{"client_id", "azp", "cid", "appid"}, machine: self,
		proves: func(s *statement) bool {
			return !slices.Contains(s.Audience, s.party) && (s.scoped || s.ClientID != "" || s.grant != "" || len(s.Permissions) > 0)
		},
	}

	// The default profile has typ JWT and azp, that of RFC 9068 at+jwt and client_id:
	// https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles. A machine's subject is its client's id and
	// "@clients", and gty, where it is there, client-credentials; so its tokens show, and no list of its documents. A user's has the name of a
	// connection and a bar in front: https://auth0.com/docs/manage-users/user-accounts/identify-users. The Management API calls it user_id:
	// https://auth0.com/docs/api/management/v2/users/get-users-by-id.
	auth0Bearer = bearing{
		types: []string{"JWT", token.TypeAccess}, client: []string{"azp", "client_id"}, subject: "user_id",
		proves: func(s *statement) bool { return s.client != "" && !slices.Contains(s.Audience, s.client) },
		machine: func(s *statement) bool {
			return s.client != "" && s.Subject == s.client+"@clients" && (s.grant == "" || s.grant == "client-credentials")
		},
	}

	// There is client_id in place of aud, and username for people:
	// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html. A machine
	// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html) has
	// its client's id as the subject, and no username, as its tokens show.
	cognitoBearer = bearing{
		types: []string{"", "JWT"}, clients: true, client: []string{"client_id"},
		marked:  func(s *statement) bool { return s.use == "access" },
		machine: func(s *statement) bool { return self(s) && s.Username == "" },
	}

	// A service client signs its tokens itself, and is an issuer of its own, whose tokens speak of nobody else:
	// https://github.com/Authress/authress-sdk.js/blob/main/src/serviceClientTokenProvider.js and tokenVerifier.js beside it.
	authressBearer = bearing{
		types: []string{token.TypeAccess}, client: []string{"client_id", "azp"}, subject: "userId", proves: anyBearer.proves,
		machine: func(s *statement) bool { return self(s) || serviceClient(s.Issuer) == s.Subject },
		speaks: func(issuer, subject string) bool {
			id := serviceClient(issuer)
			return id == "" || id == subject
		},
		jwks: func(issuer string) string {
			if serviceClient(issuer) == "" {
				return ""
			}
			return issuer + wellKnown + "/jwks"
		},
	}

	// Access tokens are typ JWT in the header, or at+jwt where the client asks for it, and Bearer in the claims; ID, refresh and
	// logout tokens differ in the claims: https://www.keycloak.org/docs/latest/server_admin/. A service account is a user
	// of that name, whose tokens have the client's id also as client_id, or clientId:
	// https://www.keycloak.org/docs/latest/server_admin/#_service_accounts and
	// https://github.com/keycloak/keycloak/blob/main/core/src/main/java/org/keycloak/constants/ServiceAccountConstants.java.
	keycloakBearer = bearing{
		types: []string{"JWT", token.TypeAccess}, client: []string{"azp"},
		marked: func(s *statement) bool { return s.typ == "Bearer" },
		machine: func(s *statement) bool {
			return s.client != "" && (s.ClientID == s.client || s.clientID == s.client) && strings.EqualFold(s.name, "service-account-"+s.client)
		},
	}

	// Tokens of version 2 have azp and of version 1 appid, which ID tokens have not; idtyp, where it is configured, says app, and
	// else the tokens of an app have no scp, and its oid as the subject:
	// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference and
	// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference.
	microsoftBearer = bearing{
		types: []string{"JWT"}, client: []string{"azp", "appid"},
		proves: func(s *statement) bool { return s.client != "" },
		machine: func(s *statement) bool {
			return s.kind == "app" || s.kind == "" && !s.scoped && s.oid != "" && s.oid == s.Subject
		},
	}
)

// serviceClient returns the id of the service client that an issuer of Authress is; "" if it is none.
func serviceClient(issuer string) string {
	_, path, _ := strings.Cut(issuer, "://")
	_, path, _ = strings.Cut(path, "/")
	parts := strings.Split(path, "/")
	if len(parts) != 3 || parts[1] != "clients" {
		return ""
	}
	id, err := url.PathUnescape(parts[2])
	if err != nil {
		return ""
	}
	return id
}

// IssuerPresets returns the names that IssuerConfig.Preset may have, in order.
func IssuerPresets() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(presets)), func(name string) bool { return presets[name].bearer == nil })
}
