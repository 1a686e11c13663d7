package accounts

import (
	"fmt"
	"reflect"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// LocalRights is what the local credential may publish to and hear.
type LocalRights struct {
	Publish, Deny, Subscribe []string
}

func (r LocalRights) permissions() jwt.Permissions {
	var p jwt.Permissions
	p.Pub.Allow.Add(r.Publish...)
	p.Pub.Deny.Add(r.Deny...)
	p.Sub.Allow.Add(r.Subscribe...)
	return p
}

// local is the credential of who runs the hub. Its rights lie in the account, at
// its signing key. When they change it gets a new one: the server drops who is
// connected under a key whose rights change. The key before goes on until the next
// change, so that a command that asked for the change hears the answer.
type local struct {
	User   string       `json:"user"`
	Scopes []localScope `json:"scopes"` // the last one counts
}

type localScope struct {
	Signer string      `json:"signer"`
	Rights LocalRights `json:"rights"`
}

// Permit gives the local credential rights. What it is then, as a credentials file,
// comes back.
func (b *Book) Permit(r LocalRights) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	scopes := b.state.Local.Scopes
	if len(scopes) == 0 || !reflect.DeepEqual(scopes[len(scopes)-1].Rights, r) {
		signer, err := newSeed(nkeys.CreateAccount)
		if err != nil {
			return nil, err
		}
		err = b.change(func(s *state) error {
			s.Local.Scopes = append(s.Local.Scopes, localScope{signer, r})
			s.Local.Scopes = s.Local.Scopes[max(0, len(s.Local.Scopes)-2):]
			return nil
		})
		if err != nil {
			return nil, err
		}
		scopes = b.state.Local.Scopes
	}
	text, err := b.user(public(b.state.Local.User), "local", b.state.Hub, scopes[len(scopes)-1].Signer)
	if err != nil {
		return nil, err
	}
	return jwt.FormatUserConfig(text, []byte(b.state.Local.User))
}

// user signs a user whose rights are those of the signer's scope.
func (b *Book) user(key, name, account, signer string, with ...func(*jwt.UserClaims)) (string, error) {
	u := jwt.NewUserClaims(key)
	u.Name = name
	u.IssuerAccount = public(account)
	u.SetScoped(true)
	for _, fn := range with {
		fn(u)
	}
	text, err := u.Encode(pair(signer))
	if err != nil {
		return "", fmt.Errorf("sign the user %s: %w", name, err)
	}
	return text, nil
}

// HubUser makes a user of the account HUB without limits, for the hub itself: it
// lives as long as the process.
func (b *Book) HubUser() (text string, key nkeys.KeyPair, err error) {
	if key, err = nkeys.CreateUser(); err != nil {
		return "", nil, fmt.Errorf("make the hub's own key: %w", err)
	}
	pub, err := key.PublicKey()
	if err != nil {
		return "", nil, err
	}
	u := jwt.NewUserClaims(pub)
	u.Name = "hub"
	text, err = u.Encode(pair(b.state.Hub))
	return text, key, err
}
