package main

// ParsePolicy returns how many rules the text of a policy file has, or what is wrong with it.
func ParsePolicy(text []byte) (int, error) {
	p, err := parsePolicy(text)
	if err != nil {
		return 0, err
	}
	return p.Len(), nil
}
