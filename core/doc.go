// Package core is the map of the house; it holds no code. Hexward answers one
// question for everything behind it: who is asking, and may they? The packages
// below this one hold the rules of the answer and nothing else.
//
//	core/            the rules
//	  fault/           the one error vocabulary: Kind, Error, KindOf
//	  token/           strict JWS parsing, key sets, claims, verification, revocation marks
//	  access/          Principal: who is asking; what each route demands; the decision
//	  issuer/          what the access tokens of other authorization servers mean
//	  edge/            keys, policy and marks as one signed snapshot; the decision at the edge
//	  session/         a sign-in: its signed id, its lifetimes, its refresh tokens
//	  user/            a person: name, e-mail address, password, permissions, ban, attempts
//	  tenant/          an organisation, and the scope of those whose things somebody sees
//	  client/          a machine: its secrets, keys and scopes
//	  apitoken/        a token that a person makes for a script
//	  secret/          the form of API tokens and clients' secrets, with a checksum
//	  auth/            the use cases, which put the rules and the ports together
//	ports/           what auth needs from the world, as small interfaces with contracts
//	  mock/            generated mocks of them, for the unit tests of auth
//	  porttest/        one suite of tests a port, which every adapter of it runs
//	adapters/        one package a technology: web, stores, signer, hasher, mailer …
//	apps/hexward/    the program: reads settings, wires adapters to auth, runs
//	wasm/verifier/   token, access, issuer and edge as a WebAssembly module
//	  runtimes/        tests that every runtime decides as Go does
//
// # The dependency rule
//
// Source may point inward only:
//
//	apps → adapters → ports → {session, user, client, apitoken, tenant} → {secret, fault, access} → token
//	          └─────→ auth → ports
//
// Rules stand below the ports, so a port speaks in sessions and users; use cases
// stand above them, so no rule can reach a store. An adapter knows no other
// adapter (sqlite and postgres share sqlstore), so each can be taken out alone.
// The web adapter calls *auth.Service itself: an interface in front of it would
// have one implementation.
//
// A rule does no input or output, reads no clock, makes no randomness, and knows
// no environment. What it needs comes in as an argument: now as a time.Time (or
// Unix seconds in token), randomness as an io.Reader. auth takes both once, in
// its Config. So every rule can be tested at any moment and with any luck, and
// token, access, issuer and edge decide in an edge worker as they do on the server. The
// test beside this file holds all of it, import by import.
//
// # The flows
//
// Register. user.ParseName, user.ParseEmail and user.Policy accept the input;
// every member that is wrong is named at once, by a fault of kind Invalid. In
// open mode the user is stored and signed in. In verified mode there is no user
// until a mailed link is followed, and a known and a new address cost the same
// and get the same answer: the new one is mailed the link, the known one a
// notice.
//
// Sign in. user.LoginKey finds the user. Attempts are counted against the
// account, which may be nobody's, and the client's network before any password
// is hashed, and a sign-in that is throttled is refused whatever the password. If
// there is no user the password is held against an empty hash, which takes as
// long, and the fault is that of a wrong password. A match replaces an outdated
// hash, makes a session.Session with an id from session.Seal and a refresh
// family, signs an access token that names the session, and forgets the account's
// attempts. Only who knows the password learns of a ban.
//
// Sign in through a provider. Who begins gets a state in which the provider, the
// nonce, the PKCE verifier and where to return to are sealed, and a cookie that
// binds it to the browser; nothing is stored. Who comes back uses the state up.
// The provider's adapter redeems the code and verifies what the tokens say, and
// the issuer and subject together find the user.Identity, or a new user is made in
// the tenant that the provider's configuration names. An address that the provider
// has verified may lead to an account that has it; if that account never proved
// the address, every way in that its maker had ends first. Signing out ends the
// session here before the provider is asked for anything.
//
// A request with a session cookie. Seal.Check tells a forged cookie without a
// look-up and gives the hash under which the store has the session.
// Session.Accepts and Session.Alive decide, then the user's ban. The answer is an
// access.Principal. An id that is due to rotate, as after a change of
// permissions, is replaced with the answer, and the former one lives for
// RotationGrace.
//
// A request with an access token. If there is an Authorization header it alone
// decides. token.Verifier checks form, algorithm, signature and claims; then
// token.Marks says whether the token, its session, its user or everybody was
// revoked since. No store is asked, so an edge worker does the same with the
// keys and marks of its snapshot. What the server has verified it remembers for a while
// by the token's SHA-256, and takes for good again only after asking what may have
// changed: the time, the keys, the marks, and whatever was read of its holder.
//
// A request with a token of another issuer. token.PeekIssuer tells whose it says
// that it is, and that issuer's adapter verifies it with the keys that it publishes.
// The issuer and the subject find the user.Identity, or make a user, as a sign-in
// through a provider does; a machine keeps its issuer's name before its own. What
// the token says of a tenant is mapped to one of ours, by the configuration or by
// the tenants' own records, and what it says of permissions counts as far as the
// configuration takes it over, and never makes an administrator.
//
// What a request shows that the server looks up, at the edge. Where the configuration has it so,
// a bundle carries the API tokens that are alive by half of their SHA-256, the issuers
// with their keys and issuer.Rules, and their people by a hash of issuer and subject, each
// with what they may. edge then says what the server says; who would be made a user, and
// all that is not carried, it leaves to the server.
//
// A machine asks for a token. It shows a secret, of which the store has the SHA-256,
// or an assertion that it signed for us, once. client.Client says whether that proves
// it and which scopes it gets; the token is an access token whose subject is the
// client itself. Everything that changes the client marks its id as it would a user's.
// Two secrets are alive while one takes over from the other.
//
// A script shows an API token. Its form and checksum are told without a look-up; its
// SHA-256 finds the token and its owner, and it may what the owner may now, of what it
// was made for. What changes the account itself asks for the person, and takes no such
// token.
//
// Whose is it. A tenant comes from the credential and never from the request. Whoever
// administers has a tenant.Scope, by which the stores hand things out: what is another
// tenant's is not there. The default tenant's administrators look after what all
// share.
//
// Refresh and reuse. session.ParseRefresh splits the token into the family,
// which finds the session, and the whole, which must be the present one. Within
// one atomic update Session.RotateRefresh replaces it, so of concurrent uses one
// succeeds. A token that was replaced before is in two hands: ErrReused ends the
// session, and with it the family.
//
// Log out. The session's row is deleted, and a revocation mark on its id kills
// the access tokens made for it until the last of them has expired; then the mark
// is dropped. The same two steps, over many sessions, are a kick (every session
// of a user, and a mark on the user: all issued up to now) and a blackout (a mark
// on everybody). Marks are stored, so they outlive a restart, and they count from
// the very next request.
//
// Confirm. A random secret is mailed, and its SHA-256 stored with the address it
// went to; a newer one voids it. Only a POST consumes it, once, so that a mail
// scanner which follows links burns nothing. User.ConfirmEmail refuses it if the
// account has another address by then.
//
// Reset. Asking answers the same whether or not the address is known. The secret
// is mailed and consumed as above, once the new password has passed user.Policy,
// and every session of the user ends, with a mark on their tokens: whoever knew
// the old password is out. A change of password does the same to all sessions
// but the one that made it, which gets a new id at once.
//
// Rotate a signing key. A key is published first, so that every verifier has
// fetched it before it signs; then it signs; then it is retired and only
// verifies, until no token signed with it can be alive; then it is dropped. At no
// moment is there a live token whose key is not published, so a rotation under
// load loses no request.
package core
