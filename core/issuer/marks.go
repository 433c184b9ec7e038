package issuer

// Marked stands before a user's id, before a machine's subject, or before an IdentityKey, in what the tokens of other issuers about
// them are revoked by. Most of what revokes our own tokens, such as a change of permissions, does so for what they say of
// their user, which those do not say.
const Marked = "foreign:"

// IdentityWord is what an IdentityKey begins with.
const IdentityWord = "identity "

// IdentityKey is what a subject of an issuer is known by who may be nobody's yet.
func IdentityKey(issuer, subject string) string { return IdentityWord + issuer + " " + subject }
