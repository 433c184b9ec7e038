package token

// Kind is the type of a JSON value.
type Kind uint8

// The kinds of JSON values. KindInvalid is that of the zero Value.
const (
	KindInvalid Kind = iota
	KindObject
	KindArray
	KindString
	KindNumber
	KindBool
	KindNull
)

// Value is one value of a JSON document that ParseJSON has checked. It is a view into that document's text, found again
// by scanning, so it suits small documents that are read once. None of its methods allocates but Text, and that only for
// a string with escapes. The zero Value is invalid: it has no members and converts to nothing.
type Value struct{ text string }

// ParseJSON checks that doc is one strict JSON text (RFC 8259 and the rules in the package comment) and returns its
// value. Otherwise it returns ErrMalformed.
func ParseJSON(doc string) (Value, error) { return Value{}, ErrMalformed }

// Kind returns the type of v.
func (v Value) Kind() Kind { return KindInvalid }

// Raw returns the JSON text of v without whitespace around it.
func (v Value) Raw() string { return v.text }

// Text returns the string that v is, unescaped, and whether v is a string.
func (v Value) Text() (string, bool) { return "", false }

// Int returns the integer that v is, and whether v is a number with an integral value (1, 1.0 and 1e0 alike) of less
// than 2^53 in magnitude.
func (v Value) Int() (int64, bool) { return 0, false }

// Bool returns the boolean that v is, and whether v is one.
func (v Value) Bool() (value, ok bool) { return false, false }

// Member returns the member of the object v called name, and whether v is an object with such a member.
func (v Value) Member(name string) (Value, bool) { return Value{}, false }

// Members returns a cursor over the elements of an array or the members of an object, in the document's order. The
// cursor of any other value is empty.
func (v Value) Members() Cursor { return Cursor{} }

// Cursor walks an array or an object:
//
//	for c := v.Members(); c.Next(); {
//		use(c.Name(), c.Value())
//	}
type Cursor struct {
	name  string
	value Value
}

// Next moves to the next element and reports whether there is one.
func (c *Cursor) Next() bool { return false }

// Name returns the unescaped name of the current member, or "" in an array.
func (c *Cursor) Name() string { return c.name }

// Value returns the current element.
func (c *Cursor) Value() Value { return c.value }
