package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hexward/hexward/adapters/idp"
	"github.com/hexward/hexward/core/auth"
	"github.com/hexward/hexward/core/tenant"
)

// issuer is another authorization server whose access tokens are taken for good: an entry of the list
// "issuers" of the configuration file.
type issuer struct {
	Name      string // in the audit log, and in the names of its machines
	Preset    string // auth0, authress, cognito, keycloak, microsoft, or oidc for any other
	Issuer    string // what its tokens have as iss
	Discovery string // the whole URL of its discovery document, in place of the issuer
	Domain    string // of auth0 and authress, in place of the issuer; for cognito that of its pages
	JWKS      string `name:"jwks"` // where its keys are, in place of discovery

	Audiences  []string // what its tokens call this service
	Clients    []string // whom tokens must have been issued to
	Algorithms []string // every asymmetric one if none is given
	Secret     secret   // what HS256 tokens are signed with
	SecretFile string   // the file that has it
	Types      []string // the accepted typ, "none" for none, in place of the preset's
	Required   []string `name:"required-claims"`

	Users          string   // whose tokens of people are taken: made, known (if it is not given) or refused
	Tenant         string   // of all its people and machines
	TenantClaim    string   // the claim that says theirs; - for none
	Tenants        pairs    // which tenant that is here
	TenantRequired bool     // who has none of them is refused
	LinkByEmail    bool     // its word on an e-mail address is enough to be the account that has it
	Edge           bool     // edge workers decide about its tokens too
	Permissions    []string // the claims that permissions are taken from: "CLAIM", or "CLAIM FROM* TO*"

	NoMachines             bool     // every token is a person's
	MachineClients         []string // the machines are these clients
	MachineClientPrefixes  []string // or those whose id begins so
	MachineSubjectPrefixes []string // or whose sub begins so
	MachineSubjectSuffixes []string // or ends so
	MachineClaims          pairs    // or who have a claim that is this

	UserInfo         string `name:"userinfo"`     // always, never, or as needed
	UserInfoURL      string `name:"userinfo-url"` // in place of the one that it announces
	PeopleURL        string `name:"people-url"`   // where people are looked up, in place of userinfo; {sub} is who
	PeopleSubject    string // the member of the answer that is sub
	PeopleSecretFile string // what to ask with; it is read each time
}

// trusted checks the issuers.
func (k *checker) trusted(s *settled) {
	names, urls := map[string]bool{}, map[string]bool{k.publicURL(): true}
	for n := range k.listed.issuers {
		given := &k.listed.issuers[n]
		label := "issuers, entry " + strconv.Itoa(n+1)
		if given.Name != "" {
			label += " (" + given.Name + ")"
		}
		made, name := k.issuer(label, given)
		if names[name] {
			k.wrong("%s: another issuer is called %q too; give each a name of its own", label, name)
		}
		names[name] = true
		if made == nil {
			continue
		}
		if urls[made.URL] {
			k.wrong("%s: issuer: the tokens of %s are those of this service, or of another issuer in the list", label, made.URL)
		}
		urls[made.URL] = true
		s.issuers = append(s.issuers, *made)
	}
}

// issuer checks one issuer.
func (k *checker) issuer(label string, given *issuer) (made *auth.Trusted, name string) {
	before := len(k.found)
	name = cmp.Or(given.Name, given.Preset, "oidc")
	hidden, err := readSecret(label+": secret", given.Secret, given.SecretFile)
	if err != nil {
		k.wrong("%w", err)
	}
	if given.Edge && hidden != "" {
		k.wrong("%s: edge: its tokens are signed with a secret, which is in no bundle; have it sign with a key of its own", label)
	}
	if flaw := weakness(string(hidden)); hidden != "" && flaw != "" {
		k.wrong("%s: secret: %s", label, flaw)
	}
	users := auth.UserTokens(given.Users)
	if users == "" {
		users = auth.UsersKnown
	}
	if !slices.Contains([]auth.UserTokens{auth.UsersMade, auth.UsersKnown, auth.UsersRefused}, users) {
		k.wrong("%s: users: is made (just in time), known (those who signed in with it before) or refused, not %q", label, users)
	}
	k.tenants(label, given)
	if given.LinkByEmail && users != auth.UsersMade {
		k.wrong("%s: link-by-email: is for users: made; nobody else's first token leads to an account", label)
	}
	issuer, err := idp.NewIssuer(idp.IssuerConfig{
		Name: name, Preset: given.Preset, Issuer: given.Issuer, Discovery: given.Discovery, Domain: given.Domain, JWKS: given.JWKS,
		Audiences: given.Audiences, Clients: given.Clients, Algorithms: given.Algorithms, Secret: string(hidden), Types: types(given.Types),
		Required: given.Required, TenantClaim: given.TenantClaim, Permissions: k.permissionClaims(label, given.Permissions),
		Machines: idp.MachineRules{
			None: given.NoMachines, Clients: given.MachineClients, ClientPrefixes: given.MachineClientPrefixes,
			SubjectPrefixes: given.MachineSubjectPrefixes, SubjectSuffixes: given.MachineSubjectSuffixes, Claims: given.MachineClaims,
		},
		UserInfo: given.UserInfo, UserInfoURL: given.UserInfoURL, People: k.peopleOf(label, given),
	})
	if err != nil {
		prefix := fmt.Sprintf("issuer %q: ", name)
		for _, one := range unjoin(err) {
			k.wrong("%s: %s", label, strings.TrimPrefix(one.Error(), prefix))
		}
	}
	if len(k.found) > before {
		return nil, name
	}
	return &auth.Trusted{
		Name: name, URL: issuer.URL(), Issuer: issuer, Users: users,
		Tenant: given.Tenant, Tenants: given.Tenants, TenantRequired: given.TenantRequired, LinkByEmail: given.LinkByEmail, Edge: given.Edge,
	}, name
}

// tenants checks which tenants an issuer's people and machines belong to.
func (k *checker) tenants(label string, given *issuer) {
	if given.Tenant != "" && len(given.Tenants) > 0 {
		k.wrong("%s: tenant and tenants are both given: which one?", label)
	}
	if given.Tenant != "" && tenant.CheckID(given.Tenant) != nil {
		k.wrong("%s: tenant: %q is no tenant's id", label, given.Tenant)
	}
	for _, theirs := range slices.Sorted(maps.Keys(given.Tenants)) {
		if ours := given.Tenants[theirs]; tenant.CheckID(ours) != nil {
			k.wrong("%s: tenants: say which tenant %q is here, as in %s=ours; %q is no tenant's id", label, theirs, theirs, ours)
		}
	}
}

// types are the accepted typ: "none" is the one of tokens without.
func types(given []string) []string {
	list := slices.Clone(given)
	if n := slices.Index(list, "none"); n >= 0 {
		list[n] = ""
	}
	return list
}

// permissionClaims reads where permissions are taken from.
func (k *checker) permissionClaims(label string, given []string) (list []idp.PermissionClaim) {
	for _, text := range given {
		words := strings.Fields(text)
		if len(words) == 1 {
			list = append(list, idp.PermissionClaim{Claim: words[0]})
			continue
		}
		var from, to string
		ok := len(words) == 3
		if ok {
			var first, second bool
			from, first = strings.CutSuffix(words[1], "*")
			to, second = strings.CutSuffix(words[2], "*")
			ok = first && second
		}
		if !ok {
			k.wrong("%s: permissions: %q is neither the name of a claim, nor as \"scope https://api.example/* api:*\", which takes what begins like the one and has it begin like the other", label, text)
			continue
		}
		list = append(list, idp.PermissionClaim{Claim: words[0], Strip: from, Add: to})
	}
	return list
}

// peopleOf returns where the people of an issuer are looked up. The secret is read each time, since such secrets are
// good for a day or so.
func (k *checker) peopleOf(label string, given *issuer) idp.People {
	p := idp.People{URL: given.PeopleURL, Subject: given.PeopleSubject}
	if given.PeopleSecretFile == "" {
		return p
	}
	p.Secret = func() (string, error) {
		text, err := readSecret(label+": people-secret", "", given.PeopleSecretFile)
		return string(text), err
	}
	if _, err := p.Secret(); err != nil {
		k.wrong("%w", err)
	}
	return p
}
