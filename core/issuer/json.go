package issuer

import "github.com/hexward/hexward/core/token"

// AppendJSON appends the rules as one JSON object, in which what is empty is left out, and returns the extended buffer. What Check
// refuses, Parse does.
func (r *Rules) AppendJSON(to []byte) []byte {
	to = append(to, '{')
	to = appendText(to, "preset", r.Preset)
	to = appendTexts(to, "clients", r.Clients)
	to = appendTexts(to, "required", r.Required)
	to = appendText(to, "tenant", r.TenantClaim)
	if len(r.Permissions) > 0 {
		to = append(appendName(to, "permissions"), '[')
		for i := range r.Permissions {
			if i > 0 {
				to = append(to, ',')
			}
			p := &r.Permissions[i]
			to = appendText(append(to, '{'), "claim", p.Claim)
			to = appendText(to, "strip", p.Strip)
			to = append(appendText(to, "add", p.Add), '}')
		}
		to = append(to, ']')
	}
	if m := &r.Machines; !m.IsZero() {
		to = append(appendName(to, "machines"), '{')
		if m.None {
			to = append(appendName(to, "none"), "true"...)
		}
		to = appendTexts(to, "clients", m.Clients)
		to = appendTexts(to, "client_prefixes", m.ClientPrefixes)
		to = appendTexts(to, "subject_prefixes", m.SubjectPrefixes)
		to = appendTexts(to, "subject_suffixes", m.SubjectSuffixes)
		if len(m.Claims) > 0 {
			to = append(appendName(to, "claims"), '[')
			for i, c := range m.Claims {
				if i > 0 {
					to = append(to, ',')
				}
				to = token.AppendText(append(token.AppendText(append(to, '['), c.Claim), ','), c.Word)
				to = append(to, ']')
			}
			to = append(to, ']')
		}
		to = append(to, '}')
	}
	return append(to, '}')
}

// appendName appends a comma, unless it would follow an opening brace, and a name.
func appendName(to []byte, name string) []byte {
	if to[len(to)-1] != '{' {
		to = append(to, ',')
	}
	return append(token.AppendText(to, name), ':')
}

func appendText(to []byte, name, text string) []byte {
	if text == "" {
		return to
	}
	return token.AppendText(appendName(to, name), text)
}

func appendTexts(to []byte, name string, list []string) []byte {
	if len(list) == 0 {
		return to
	}
	to = append(appendName(to, name), '[')
	for i, text := range list {
		if i > 0 {
			to = append(to, ',')
		}
		to = token.AppendText(to, text)
	}
	return append(to, ']')
}

// Parse reads what AppendJSON writes. It returns ErrRules for anything else: another type, a member that is not known, an empty list,
// and what Check refuses. The rules share no memory with the document.
func Parse(v token.Value) (Rules, error) {
	var r Rules
	if v.Kind() != token.KindObject {
		return Rules{}, ErrRules
	}
	c := v.Members()
	for c.Next() {
		ok := false
		switch v := c.Value(); c.Name() {
		case "preset":
			r.Preset, ok = text(v)
		case "clients":
			r.Clients, ok = texts(v)
		case "required":
			r.Required, ok = texts(v)
		case "tenant":
			r.TenantClaim, ok = text(v)
		case "permissions":
			r.Permissions, ok = permissionClaims(v)
		case "machines":
			ok = r.Machines.parse(v)
		}
		if !ok {
			return Rules{}, ErrRules
		}
	}
	if err := r.Check(); err != nil {
		return Rules{}, err
	}
	return r, nil
}

// text returns a copy of a text that is not empty.
func text(v token.Value) (string, bool) {
	if len(v.Raw()) > 6*maxWord+2 { // as many bytes as an escaped word may have
		return "", false
	}
	s, ok := v.Text()
	return string(append([]byte(nil), s...)), ok && s != ""
}

// texts returns a list that is neither empty nor too long.
func texts(v token.Value) (list []string, ok bool) {
	if v.Kind() != token.KindArray {
		return nil, false
	}
	c := v.Members()
	for c.Next() {
		s, ok := text(c.Value())
		if !ok || len(list) == maxWords {
			return nil, false
		}
		list = append(list, s)
	}
	return list, len(list) > 0
}

func permissionClaims(v token.Value) (list []PermissionClaim, ok bool) {
	if v.Kind() != token.KindArray {
		return nil, false
	}
	c := v.Members()
	for c.Next() {
		if c.Value().Kind() != token.KindObject || len(list) == maxWords {
			return nil, false
		}
		var p PermissionClaim
		m := c.Value().Members()
		for m.Next() {
			ok := false
			switch m.Name() {
			case "claim":
				p.Claim, ok = text(m.Value())
			case "strip":
				p.Strip, ok = text(m.Value())
			case "add":
				p.Add, ok = text(m.Value())
			}
			if !ok {
				return nil, false
			}
		}
		list = append(list, p)
	}
	return list, len(list) > 0
}

func (m *Machines) parse(v token.Value) bool {
	if v.Kind() != token.KindObject {
		return false
	}
	c := v.Members()
	for c.Next() {
		ok := false
		switch v := c.Value(); c.Name() {
		case "none":
			m.None, _ = v.Bool()
			ok = m.None
		case "clients":
			m.Clients, ok = texts(v)
		case "client_prefixes":
			m.ClientPrefixes, ok = texts(v)
		case "subject_prefixes":
			m.SubjectPrefixes, ok = texts(v)
		case "subject_suffixes":
			m.SubjectSuffixes, ok = texts(v)
		case "claims":
			m.Claims, ok = claimWords(v)
		}
		if !ok {
			return false
		}
	}
	return !m.IsZero()
}

// claimWords reads pairs of a claim's name and a word.
func claimWords(v token.Value) (list []ClaimWord, ok bool) {
	if v.Kind() != token.KindArray {
		return nil, false
	}
	c := v.Members()
	for c.Next() {
		pair := c.Value()
		if pair.Kind() != token.KindArray || len(list) == maxWords {
			return nil, false
		}
		var w ClaimWord
		n := 0
		m := pair.Members()
		for ; m.Next(); n++ {
			ok := false
			switch n {
			case 0:
				w.Claim, ok = text(m.Value())
			case 1:
				w.Word, ok = text(m.Value())
				ok = ok || m.Value().Raw() == `""`
			}
			if !ok {
				return nil, false
			}
		}
		if n != 2 {
			return nil, false
		}
		list = append(list, w)
	}
	return list, len(list) > 0
}
