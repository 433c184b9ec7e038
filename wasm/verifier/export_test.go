package main

// Module is an instance, for the tests.
type Module struct{ m module }

// Call makes the call of this name on an instance, with its input and its number.
func (t *Module) Call(name string, input []byte, number int32, now float64) int32 {
	m := &t.m
	if input != nil {
		room := m.room(int32(len(input)))
		if room == nil {
			return -1
		}
		number = int32(copy(room, input))
	}
	switch name {
	case "input":
		if m.room(number) == nil {
			return 0
		}
		return 1
	case "trust":
		return m.setTrust(number)
	case "stale":
		return m.setStale(number)
	case "configure":
		return m.configure(number)
	case "load":
		return m.load(number, now)
	case "decide":
		return m.decide(number, now)
	case "wanted_key":
		return m.wantedKey()
	case "key":
		return m.key(number)
	case "check":
		if m.check() {
			return 1
		}
		return 0
	case "settle":
		return m.settle(number == 1)
	case "held":
		return m.held()
	}
	return -1
}

// Wanted returns what is to be verified.
func (t *Module) Wanted() (input, signature []byte) { return t.m.wantedInput(), t.m.wantedSignature() }

// Result returns the last result.
func (t *Module) Result() string { return string(t.m.result) }
