// Package idp signs people in through OpenID Connect providers, and through OAuth
// 2.0 ones that have an interface of their own for who their users are, and verifies the
// access tokens of issuers that are trusted. It implements ports.Provider and
// ports.ProviderLogout on go-oidc and x/oauth2, and ports.Issuer on core/token.
//
//	p, err := idp.New(idp.Config{
//		Name: "work", Preset: "keycloak", Issuer: "https://id.example/realms/staff",
//		ClientID: "hexward", ClientSecret: secret,
//	})
//	url, err := p.Begin(ctx, request)   // send the browser there
//	person, err := p.Redeem(ctx, code)  // who came back
//
//	i, err := idp.NewIssuer(idp.IssuerConfig{
//		Name: "auth0", Preset: "auth0", Domain: "example.eu.auth0.com", Audiences: []string{"https://api.example"},
//	})
//	bearer, err := i.Verify(ctx, accessToken)
//
// # What is fetched, and when
//
// New fetches nothing. A provider's discovery document and its keys are fetched when
// they are first needed, kept for an hour, and used for a day more while the provider
// is down. There is one fetch at a time, whoever waits for it. A failed one is not
// tried again for two seconds. A token under an unknown key id makes the keys be fetched
// again, at most once in 30 seconds: once for sign-ins, whose tokens come from the
// provider, and once for logout tokens, which anybody can send.
//
// Every request has a deadline and a limit of what is read; redirects are not
// followed; http is spoken with loopback addresses only.
//
// # What is believed
//
// An ID token passes core/token's verifier, which is strict about its form, and
// go-oidc's. Beyond these: the nonce, azp, at_hash, and the subject. Symmetric
// algorithms and "none" are never accepted.
//
// Of claims that the ID token and the userinfo answer both have, the ID token's
// count; the userinfo answer only fills in what the ID token lacks. An e-mail
// address and whether it is verified are one: both come from the same place.
//
// # Access tokens
//
// An access token passes core/token's verifier, one for each set of keys, for the one issuer and the audiences that are configured.
// That it is an access token and no other sort, which the same keys sign, is told by
//
//   - its typ, at+jwt (RFC 9068 §2.1), which is all that the preset oidc takes unless more is configured;
//   - else a claim that says so: token_use with cognito, typ with keycloak;
//   - else claims that access tokens have and ID tokens have not (client_id or azp, scope), no nonce, at_hash, c_hash or s_hash, and an
//     audience that is not the party (azp).
//
// With events, or a token_use other than access, it is none in any case. One that is bound to a key (cnf: DPoP, RFC 9449; mutual TLS,
// RFC 8705) is refused, since a bearer shows no proof of having that key. What its typ, client, subject, claims and
// permissions have to be is in the presets; see core/issuer for where each is documented.
//
// Keys are fetched anew after 50 minutes without anybody waiting for it, and after an hour before another token counts; while the
// issuer is down nobody waits either. A token under an unknown key id has them fetched at most once in 30 seconds, and
// those that come meanwhile wait for that fetch; all other tokens never do. While the latest fetch failed such a token is
// not refused, but Unavailable: its key may be a new one.
//
// # Errors
//
// Errors are faults: Unauthenticated for a code or token that the provider or this
// package refuses, Unavailable for whatever keeps the provider from giving an answer
// that can be understood, a client secret that it does not accept among them. Their
// causes are for the log, and hold no secret, code or token, and no text that a provider wrote.
package idp
