package auth_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/apitoken"
	"github.com/hexward/hexward/core/auth"
	machine "github.com/hexward/hexward/core/client"
	"github.com/hexward/hexward/core/secret"
	"github.com/hexward/hexward/ports"
)

// The machines of the tests.
const (
	robotID       = "0190bbbb-0000-7000-8000-00000000000a"
	otherRobotID  = "0190bbbb-0000-7000-8000-00000000000b"
	foreignID     = "0190bbbb-0000-7000-8000-00000000000c"
	invalidClient = "unauthenticated invalid_client"
)

// addClient puts a client into the store, and returns what proves it.
func (w *world) addClient(id, home string, permissions ...string) auth.ClientProof {
	w.t.Helper()
	text, h, err := secret.Mint(w, secret.Client)
	if err != nil {
		w.t.Fatal(err)
	}
	w.secret("a client's secret", text)
	slices.Sort(permissions)
	c := machine.Client{ID: id, Tenant: home, Name: "robot " + id[len(id)-1:], Permissions: permissions, CreatedAt: epoch, UpdatedAt: epoch}
	c.AddSecret(h, epoch, epoch)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clients[id] = c
	return auth.ClientProof{ID: id, Secret: text}
}

// editClient changes a client behind the service's back.
func (w *world) editClient(id string, change func(*machine.Client)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := copyClient(w.clients[id])
	change(&c)
	w.clients[id] = c
}

func (w *world) client(id string) machine.Client {
	w.mu.Lock()
	defer w.mu.Unlock()
	return copyClient(w.clients[id])
}

// signer signs assertions as a client.
type signer struct {
	id      string
	kid     string
	private ed25519.PrivateKey
}

func newSigner(id, kid string) *signer {
	seed := sha256.Sum256([]byte("the key " + kid + " of " + id))
	return &signer{id, kid, ed25519.NewKeyFromSeed(seed[:])}
}

// jwk is the public key.
func (k *signer) jwk() string {
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":%q,"x":%q}`, k.kid, b64.EncodeToString(k.private.Public().(ed25519.PublicKey)))
}

// jwks is a set with these keys.
func jwks(signers ...*signer) []byte {
	var list []string
	for _, k := range signers {
		list = append(list, k.jwk())
	}
	return []byte(`{"keys":[` + strings.Join(list, ",") + `]}`)
}

// addSigner puts a client that signs assertions into the store.
func (w *world) addSigner(id, home string, permissions ...string) *signer {
	k := newSigner(id, "k1")
	w.addClient(id, home, permissions...)
	w.editClient(id, func(c *machine.Client) { c.Secrets, c.Keys = nil, jwks(k) })
	return k
}

// claims are those of an assertion that is good.
func (k *signer) claims(w *world) map[string]any {
	now := w.clock()
	return map[string]any{
		"iss": k.id, "sub": k.id, "aud": issuer, "jti": fmt.Sprintf("assertion %d", now.UnixNano()), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
}

// sign signs claims as an assertion of a type.
func (k *signer) sign(w *world, typ string, claims map[string]any) string {
	w.t.Helper()
	text, err := sign(ports.SigningKey{Algorithm: "EdDSA", ID: k.kid}, k.private, typ, claims)
	if err != nil {
		w.t.Fatal(err)
	}
	w.secret("an assertion", text)
	return text
}

func (k *signer) assert(w *world) string { return k.sign(w, "JWT", k.claims(w)) }

// machineToken returns a token of a client.
func (w *world) machineToken(proof auth.ClientProof, scopes ...string) auth.MachineGrant {
	w.t.Helper()
	g, err := w.service.IssueMachineToken(w.t.Context(), proof, scopes, client)
	if err != nil {
		w.t.Fatal(err)
	}
	w.note(g)
	return g
}

// makeAPIToken puts an API token of a user into the store, and returns its id and its text.
func (w *world) makeAPIToken(userID string, scopes ...string) (id, text string) {
	w.t.Helper()
	text, h, err := secret.Mint(w, secret.APIToken)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id = fmt.Sprintf("0190cccc-0000-7000-8000-%012d", len(w.tokens)+1)
	w.tokens[id] = apitoken.Token{
		ID: id, UserID: userID, Tenant: w.users[userID].Tenant, Name: "script", Scopes: scopes, Hash: h, CreatedAt: epoch,
	}
	w.secrets["an API token "+text] = text
	return id, text
}

// machine returns the principal of a machine's token.
func (w *world) machine(g auth.MachineGrant) (*access.Principal, error) {
	id, err := w.service.Authenticate(w.t.Context(), auth.Credentials{Bearer: g.Access, HasBearer: true})
	return id.Principal, err
}
