// Package user holds the rules about people: which names and e-mail addresses
// are accepted and when two are the same, what a password must be, what a ban
// is, which permissions there can be, and how many attempts are too many.
//
//	name, err := user.ParseName("Alice")      // PRECIS, RFC 8265
//	mail, err := user.ParseEmail("a@b.example")
//	password, err := user.DefaultPolicy.Accept("password", typed, "Alice", "a@b.example")
//	u := user.New(id, tenant.Default, name, mail, hash, now)
//
// The rules keep no state and read no clock: what they need comes in as an
// argument, and an adapter keeps the values.
package user
