// Package session holds the rules about sign-ins: how the id in the cookie is
// made and checked, how long a session lives idle and in all, when its id is
// replaced, and how its refresh tokens follow each other.
//
//	seal, _ := session.NewSeal(key)
//	cookie, hash, err := seal.Mint(random, now)   // to the browser, to the store
//	hash, err = seal.Check(cookie)                // before any look-up
//
// A session is the root of a sign-in. It has one refresh family; ending the
// session ends the family and, through a revocation mark on its id, every
// access token that was minted for it.
package session
