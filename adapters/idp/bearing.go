package idp

import (
	"maps"
	"slices"

	"github.com/hexward/hexward/core/issuer"
	"github.com/hexward/hexward/core/token"
)

// bearing is what must be known of a preset to get at its access tokens, and at the people they are about. What the tokens mean is in
// core/issuer, under the preset's name, with where each product documents it.
type bearing struct {
	types   []string                   // the accepted typ
	clients bool                       // aud may be missing, so that the clients have to be listed
	subject string                     // the member that is the subject in what the interface for users answers
	jwks    func(issuer string) string // where the keys of an issuer without discovery are; "" for others
}

// The presets' access tokens.
var (
	anyBearer = bearing{types: []string{token.TypeAccess}}

	// The Management API calls the subject user_id:
	// https://auth0.com/docs/api/management/v2/users/get-users-by-id.
	auth0Bearer = bearing{types: []string{"JWT", token.TypeAccess}, subject: "user_id"}

	cognitoBearer = bearing{types: []string{"", "JWT"}, clients: true}

	// A service client signs its tokens itself, and publishes its keys itself:
	// https://github.com/Authress/authress-sdk.js/blob/main/src/serviceClientTokenProvider.js and tokenVerifier.js beside it.
	authressBearer = bearing{
		types: []string{token.TypeAccess}, subject: "userId",
		jwks: func(url string) string {
			if !issuer.ServiceClient(url) {
				return ""
			}
			return url + wellKnown + "/jwks"
		},
	}

	keycloakBearer = bearing{types: []string{"JWT", token.TypeAccess}}

	microsoftBearer = bearing{types: []string{"JWT"}}
)

// IssuerPresets returns the names that IssuerConfig.Preset may have, in order.
func IssuerPresets() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(presets)), func(name string) bool { return presets[name].bearer == nil })
}
