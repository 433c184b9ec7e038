// Package auth holds the use cases: what Hexward does for people and operators,
// each as one method of Service that an adapter calls and none decides itself.
//
//	service, err := auth.New(auth.Config{Users: store, …, Settings: auth.DefaultSettings("https://id.example")})
//	err = service.Load(ctx)
//	grant, err := service.Login(ctx, auth.PasswordLogin{Login: "alice", Password: "…"}, client)
//	who, err := service.Authenticate(ctx, auth.Credentials{Session: cookie})
//
// # Signing in
//
// Register (register.go) and Login (login.go) prove who somebody is and end in
// signIn (grant.go), which begins a session and mints the three credentials of a
// Grant: the signed session id, an access token and a refresh token. Limits are
// counted before a password is hashed. A user who does not exist costs what a
// wrong password costs.
//
// # A request
//
// Authenticate (authenticate.go) takes the first credential that a request shows.
// A session is looked up by the hash of its id, in the cache and else in the
// store.
//
// Of the tokens in an Authorization header (bearer.go), one that begins with "hxw_"
// is an API token, and every other one is whose issuer it names: ours, verified by
// its signature and claims and held against the revocation marks, or a trusted one's
// (issuers.go). Nothing falls back to anything else. A token of another issuer about
// a machine is a machine called "issuer|subject", so that no issuer can name one of
// our users. One about a person leads, by issuer and subject, to an identity and its
// user here, who may be made just then as a sign-in with a provider makes one
// (admit.go). That user's ban, tenant and permissions are what counts; what the
// issuer's configuration takes from the claims comes on top, and never the
// permission to administer. A cookie takes access tokens of our own sessions only.
//
// What was found out is remembered (verified.go) by the SHA-256 of the token, for a
// stretch of time that is each token's own, and no longer than the token is good.
// Whoever uses it asks again all that may have changed: the time, the version of the
// keys, the marks, and by epochs (changes.go) whether anything that was read from a
// store has changed since. A change is written to the store, then told to the
// epochs, then answered; a reader takes the epoch, then reads. So nothing that was
// read before a change is used after its answer. Refusals are remembered apart, for
// seconds, by the same rule. The first requests with one foreign token are one
// verification, and wait for no other token's.
//
// Vouch (vouch.go) turns whoever asks into a short-lived token of ours, for services
// behind a proxy.
//
// # Machines and scripts
//
// A client proves itself (proof.go) by a secret or by an assertion that it signed, and
// IssueMachineToken (oauth.go) mints a token like any grant: its issue time is taken
// before the client is read, so that whatever shuts the client out or changes it, at
// whatever moment, leaves a mark that the token is not later than. Introspect and
// RevokeToken take the same proof. Failures are counted against the client's network,
// apart from people's, and looked at only after the proof was: a good client is never
// held up by others.
//
// MakeAPIToken (apitokens.go) makes what a person's scripts carry. Such a token may,
// at each request, what its owner may at that moment, of what it was made for. It
// outlives sessions, a kick and a change of password, as its owner wants of a script;
// a ban shuts it out, and an account that changes hands (dispossess in admit.go) loses
// every one of them.
//
// # Who may
//
// Each use case that takes a principal is for one of these:
//
//	anybody            Logout, SignOut: they end what is shown, or nothing
//	a user             Me, by whatever they show
//	themselves         ChangePassword, ChangeUsername (their own), DeleteAccount,
//	                   SendConfirm, UpstreamToken, sessions, identities (BeginProvider
//	                   and FinishProvider to link one, too), API tokens
//	an administrator   people, clients and the audit log of their tenant; FindTenant
//	                   and ListTenants, of which others than the default tenant's see their own
//	a steward          AddTenant, ChangeTenant, signing keys and those of bundles, Blackout: an administrator
//	                   of the default tenant, or the operator
//
// Themselves (client.go) means signed in by a session, or by an access token of ours
// that belongs to one. An API token, another issuer's token and what we
// vouch with for those are refused there with the code "person_required", in reads of
// sessions, identities and tokens too: they tell where somebody is, and what to take.
// So a narrow token that leaks does not become the whole account. Administration is
// open to machines and API tokens that hold the permission: it is what scripts are
// for, and whoever gives one away gives that away.
//
// Administration reaches people, clients and the audit log by a tenant.Scope, and a
// scope is had from administers (scope.go) alone, so what is another tenant's is not
// there. A tenant comes from the principal; the operator's may name one, and nothing
// that a request says can. Whoever is refused is recorded, a few times, so that they
// are seen and cannot fill the log. The last administrator of a tenant neither goes
// nor is removed by another one (leavesOne).
//
// # Ending things
//
// Logout, Kick, Ban, Blackout, a change of name, password or permissions, a reused
// refresh token, and a client that is changed, disabled or deleted all follow one
// order: first the store is changed, then the cache forgets, then a revocation mark
// is made with the time of that moment, then the caller is answered. A session or
// token that was being made meanwhile is caught by one of the three: the session row
// is gone, the cache refuses what was read before, or the token's issue time, which
// is taken before its facts are read, is not later than the mark (issueTime and
// upToNow in marks.go see to that even within one millisecond). If a step fails,
// those after it are carried out all the same and the caller is told; doing it again
// completes it.
//
// # Bundles
//
// What edge verifiers decide by is made when somebody asks and something has changed
// (bundle.go). Whoever marks, or changes keys or holders, makes what is current stale and
// wakes who waits; the next who asks takes the turn, numbers another one, and others
// share it. A mark counts in the bundle from the moment that it counts here. What was
// marked since is logged (bundlelog.go), so that who holds a bundle gets the rest of it
// only. A number is the store's, so it rises whatever clocks and processes do; without
// one, or while it is not known what other processes revoked, nothing is signed.
//
// # Time and chance
//
// The clock and randomness are in Config. Nothing here reads another.
package auth
