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
// store. An access token is verified by its signature and claims and held against
// the revocation marks.
//
// # Ending things
//
// Logout, Kick, Ban, Blackout, a change of password or permissions and a reused
// refresh token all follow one order: first the store is changed, then the cache
// forgets, then a revocation mark is made with the time of that moment, then the
// caller is answered. A session or token that was being made meanwhile is caught
// by one of the three: the session row is gone, the cache refuses what was read
// before, or the token's issue time, which is taken before its facts are read, is
// not later than the mark (issueTime and upToNow in marks.go see to that even
// within one millisecond). If a step fails, those after it are carried out all the
// same and the caller is told; doing it again completes it.
//
// # Time and chance
//
// The clock and randomness are in Config. Nothing here reads another.
package auth
