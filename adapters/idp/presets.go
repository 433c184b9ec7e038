package idp

import (
	"maps"
	"slices"
	"strings"
)

// preset is what is known of a provider beforehand.
type preset struct {
	issuer   string    // of all customers; otherwise the configuration says it
	byDomain string    // the issuer of a customer's domain, in the place of "%"
	needs    string    // what the configuration must say when issuer is empty, for its error
	standing Endpoints // in place of discovery
	domain   Endpoints // paths below the configured domain, in place of discovery
	scopes   []string  // asked for by default
	tenant   string    // the claim that is the tenant
	names    []string  // claims that suggest a user name, the best first
	style    string    // how the client authenticates; empty for what discovery says
	logout   logoutForm

	aliases  map[string]string           // words in the place of a tenant id in the issuer, and what the tokens have there
	alsoIss  string                      // another way in which ID tokens write the issuer
	respIss  string                      // what follows the issuer in the "iss" parameter (RFC 9207)
	tokenUse string                      // what the claim "token_use" of ID tokens says
	vouches  func(email, hd string) bool // whether email_verified speaks for the present owner of the address
	people   func(*Provider) peopleAPI   // of a provider without OpenID Connect
	bearer   *bearing                    // what its access tokens are like; nil if they are opaque
}

// logoutForm is how a browser is sent to the provider for signing out. The zero value is
// OpenID Connect RP-Initiated Logout 1.0 §2 with discovery's end_session_endpoint.
type logoutForm struct {
	path string // at the origin of the authorization endpoint, in place of end_session_endpoint
	back string // the parameter for where to go then
	none bool   // there is no such place
}

var openid = []string{"openid", "profile", "email"}

var usual = []string{"preferred_username", "nickname"}

// templated stands in an issuer for the tenant id that the claim "tid" says.
const templated = "{tenantid}"

// presets is all that is peculiar to any provider.
var presets = map[string]preset{
	"oidc": {needs: "an issuer or a discovery URL", scopes: openid, names: usual, bearer: &anyBearer},

	// The issuer ends in a slash: https://auth0.com/docs/secure/tokens/id-tokens/id-token-structure.
	// org_id: https://auth0.com/docs/manage-users/organizations/using-tokens. Logout:
	// https://auth0.com/docs/api/authentication/logout/auth-0-logout.
	"auth0": {
		byDomain: "https://%/", needs: "the tenant's domain, as in example.eu.auth0.com", scopes: openid,
		names: []string{"preferred_username", "nickname"}, tenant: "org_id",
		logout: logoutForm{path: "/v2/logout", back: "returnTo"}, bearer: &auth0Bearer,
	},

	// ID tokens and access tokens are signed alike and told apart by token_use:
	// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html.
	// The userinfo answer has email_verified as a string:
	// https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html. Logout:
	// https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html. A custom attribute that is the tenant must
	// not be writable by the app client, or people choose theirs:
	// https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html.
	"cognito": {
		needs: "the user pool's issuer, as in https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI", scopes: openid,
		names: []string{"preferred_username", "cognito:username", "username"}, tenant: "custom:tenant",
		tokenUse: "id", logout: logoutForm{path: "/logout", back: "logout_uri"}, bearer: &cognitoBearer,
		domain: Endpoints{ //nolint:gosec // paths, no credentials
			Authorization: "/oauth2/authorize", Token: "/oauth2/token", UserInfo: "/oauth2/userInfo",
			Revocation: "/oauth2/revoke", EndSession: "/logout",
		},
	},

	// The issuer is the account's own domain, or ACCOUNT.login.authress.io, and the keys are Ed25519:
	// https://authress.io/knowledge-base/docs/authentication/validating-jwts.
	"authress": {
		byDomain: "https://%", needs: "the account's domain, as in account.login.authress.io", scopes: openid, names: usual,
		bearer: &authressBearer,
	},

	// iss may lack the scheme: https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload.
	// Google answers for an address at gmail.com, or in a domain that it hosts (hd), and for others only that they
	// were once verified: https://developers.google.com/identity/gsi/web/guides/verify-google-id-token. It gives refresh
	// tokens only to whom asks with access_type=offline, which is left to the configuration.
	"google": {
		issuer: "https://accounts.google.com", alsoIss: "accounts.google.com", scopes: openid, tenant: "hd",
		style: StylePost, logout: logoutForm{none: true},
		vouches: func(email, hd string) bool {
			return hd != "" || strings.HasSuffix(strings.ToLower(email), "@gmail.com")
		},
	},

	// The discovery documents of common and organizations have an issuer with {tenantid} in it, tokens one with their tid,
	// and each key says whose issuer it is for: https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-issuer
	// and https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference. Personal accounts are one tenant. An
	// e-mail address is unverified, and anything: there is no email_verified.
	"microsoft": {
		needs: "an issuer, as in https://login.microsoftonline.com/organizations/v2.0", scopes: openid,
		names: usual, tenant: "tid",
		aliases: map[string]string{
			"common": templated, "organizations": templated, "consumers": "9188040d-6c67-4c5b-b112-36a304b66dad",
		},
		bearer: &microsoftBearer,
	},

	// https://www.keycloak.org/securing-apps/oidc-layers: all that is needed is discovered.
	"keycloak": {needs: "a realm's issuer, as in https://id.example/realms/name", scopes: openid, names: usual, bearer: &keycloakBearer},

	// OAuth 2.0 and an interface of its own:
	// https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps,
	// https://docs.github.com/rest/users/users#get-the-authenticated-user,
	// https://docs.github.com/rest/users/emails#list-email-addresses-for-the-authenticated-user. The "iss" parameter is that
	// of https://github.com/.well-known/oauth-authorization-server/login/oauth.
	"github": {
		issuer: "https://github.com", respIss: "/login/oauth", scopes: []string{"read:user", "user:email"},
		style: StylePost, logout: logoutForm{none: true}, people: gitHub,
		standing: Endpoints{ //nolint:gosec // addresses, no credentials
			Authorization: "https://github.com/login/oauth/authorize", Token: "https://github.com/login/oauth/access_token",
			UserInfo: "https://api.github.com/user", Emails: "https://api.github.com/user/emails",
		},
	},
}

// Presets returns the names that Config.Preset may have, in order.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }
