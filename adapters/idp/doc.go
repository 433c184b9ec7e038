// Package idp signs people in through OpenID Connect providers, and through OAuth
// 2.0 ones that have an interface of their own for who their users are. It
// implements ports.Provider and ports.ProviderLogout on go-oidc and x/oauth2.
//
//	p, err := idp.New(idp.Config{
//		Name: "work", Preset: "keycloak", Issuer: "https://id.example/realms/staff",
//		ClientID: "hexward", ClientSecret: secret,
//	})
//	url, err := p.Begin(ctx, request)   // send the browser there
//	person, err := p.Redeem(ctx, code)  // who came back
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
// # Errors
//
// Errors are faults: Unauthenticated for a code or token that the provider or this
// package refuses, Unavailable for whatever keeps the provider from giving an answer
// that can be understood, a client secret that it does not accept among them. Their
// causes are for the log, and hold no secret, code or token, and no text that a provider wrote.
package idp
