package accounts

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// Errors of this package.
var (
	// ErrUnknown means that there is no such account, application, organisation or
	// credential.
	ErrUnknown = errors.New("unknown")
	// ErrState means that the credential cannot be changed so: it is not in force.
	ErrState = errors.New("not in force")
)

// DefaultValid is how long a credential is good when nobody says otherwise,
// MaxValid how long at most.
const (
	DefaultValid = 90 * 24 * time.Hour
	MaxValid     = 366 * 24 * time.Hour
)

// Credential is one that was issued. The secret half of its key is not here: it
// never leaves the command that asked for the credential.
type Credential struct {
	ID          string    `json:"id"`
	Application string    `json:"app"`
	User        string    `json:"user"` // public key
	Issued      time.Time `json:"issued"`
	Expires     time.Time `json:"expires"`
	// Until is when it ends since another has taken its place; zero: it has not.
	Until time.Time `json:"until,omitzero"`
	// Revoked is when it was; zero: it was not.
	Revoked time.Time `json:"revoked,omitzero"`
}

// Ends is when it lets in no longer, unless it is revoked before.
func (c *Credential) Ends() time.Time {
	if !c.Until.IsZero() && c.Until.Before(c.Expires) {
		return c.Until
	}
	return c.Expires
}

func (c *Credential) organisation() string {
	org, _, _ := strings.Cut(c.Application, ".")
	return org
}

// Condition is whether a credential lets in.
type Condition string

// The conditions.
const (
	Active    Condition = "active"
	Suspended Condition = "suspended" // its application or organisation is
	Revoked   Condition = "revoked"
	Replaced  Condition = "replaced" // by a rotation whose overlap is over
	Expired   Condition = "expired"
	Orphaned  Condition = "orphaned" // its application is not in the directory
)

func (b *Book) stateOf(c *Credential, now time.Time) Condition {
	_, app := b.state.Suspended[c.Application]
	_, org := b.state.Suspended[c.organisation()]
	_, known := b.application(c.Application)
	switch {
	case !c.Revoked.IsZero():
		return Revoked
	case !c.Until.IsZero() && !now.Before(c.Until):
		return Replaced
	case !now.Before(c.Expires):
		return Expired
	case app || org:
		return Suspended
	case !known:
		return Orphaned
	}
	return Active
}

// Listed is a credential with its condition now.
type Listed struct {
	Credential
	Condition Condition `json:"condition"`
}

// List gives all credentials, the oldest first.
func (b *Book) List() []Listed {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Listed, 0, len(b.state.Issued))
	for _, c := range b.state.Issued {
		out = append(out, Listed{*c, b.stateOf(c, time.Now())})
	}
	return out
}

// Request asks for a credential.
type Request struct {
	ID, Application string
	User            string // public key of the user that it is for, made by who asks
	Valid           time.Duration
	// Overlap is how long the application's other credentials go on; negative: as if
	// there were none.
	Overlap time.Duration
}

// Keep lets an application's other credentials be.
const Keep time.Duration = -1

// Check tells why Issue would refuse.
func (b *Book) Check(r Request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := b.check(r)
	return err
}

func (b *Book) check(r Request) (Application, error) {
	app, ok := b.application(r.Application)
	switch {
	case !ok:
		return app, fmt.Errorf("application %q: %w", r.Application, ErrUnknown)
	case !nkeys.IsValidPublicUserKey(r.User):
		return app, errors.New("the key is not the public key of a NATS user")
	case r.Valid <= 0 || r.Valid > MaxValid:
		return app, fmt.Errorf("a credential is good for more than no time and at most %d days", int(MaxValid.Hours()/24))
	case slices.ContainsFunc(b.state.Issued, func(c *Credential) bool { return c.User == r.User }):
		return app, errors.New("a credential was issued for this key already: make a new one")
	}
	return app, nil
}

// Issue signs a credential, enters it in the register, and gives the user's JWT.
func (b *Book) Issue(r Request) (Credential, string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	app, err := b.check(r)
	if err != nil {
		return Credential{}, "", err
	}
	now := time.Now().UTC().Truncate(time.Second)
	c := Credential{ID: r.ID, Application: r.Application, User: r.User, Issued: now, Expires: now.Add(r.Valid)}
	keys := b.state.Organisations[c.organisation()]
	text, err := b.user(r.User, app.ID, keys.Account, keys.Signer, func(u *jwt.UserClaims) {
		u.Expires = c.Expires.Unix()
		u.Tags.Add("mailbox:" + strings.ReplaceAll(app.ID, ".", "_"))
	})
	if err != nil {
		return Credential{}, "", err
	}
	err = b.change(func(s *state) error {
		for _, other := range s.Issued {
			if until := now.Add(r.Overlap); r.Overlap >= 0 && other.Application == r.Application && (other.Until.IsZero() || until.Before(other.Until)) {
				other.Until = until
			}
		}
		s.Issued = append(s.Issued, &c)
		return nil
	})
	return c, text, err
}

// Find gives a credential by its id.
func (b *Book) Find(id string) (Listed, error) {
	for _, c := range b.List() {
		if c.ID == id {
			return c, nil
		}
	}
	return Listed{}, fmt.Errorf("credential %q: %w", id, ErrUnknown)
}

// Revoke ends a credential for good.
func (b *Book) Revoke(id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.change(func(s *state) error {
		for _, c := range s.Issued {
			if c.ID == id {
				if c.Revoked.IsZero() {
					c.Revoked = time.Now().UTC()
				}
				return nil
			}
		}
		return fmt.Errorf("credential %q: %w", id, ErrUnknown)
	})
}

// Known tells whether name is an application or organisation of the directory, or
// suspended.
func (b *Book) Known(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, app := b.application(name)
	_, org := b.orgs[name]
	_, suspended := b.state.Suspended[name]
	return app || org || suspended
}

// IsSuspended tells whether an application or organisation is suspended by its name.
func (b *Book) IsSuspended(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, suspended := b.state.Suspended[name]
	return suspended
}

// Suspend lets nobody of an application or organisation in until Resume.
func (b *Book) Suspend(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.change(func(s *state) error {
		if _, already := s.Suspended[name]; !already {
			s.Suspended[name] = time.Now().UTC()
		}
		return nil
	})
}

// Resume ends a suspension. ErrState: there is none.
func (b *Book) Resume(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.change(func(s *state) error {
		if _, suspended := s.Suspended[name]; !suspended {
			return fmt.Errorf("the suspension of %q is %w", name, ErrState)
		}
		delete(s.Suspended, name)
		return nil
	})
}

// InUse lists the accounts, by their public keys, of the organisations that have
// credentials which have not expired.
func (b *Book) InUse() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	in, now := map[string]struct{}{}, time.Now()
	for _, c := range b.state.Issued {
		if o, there := b.state.Organisations[c.organisation()]; there && now.Before(c.Expires) {
			in[o.Public] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(in))
}

// ApplicationOf tells whose credential a user's public key is; "" for nobody's.
func (b *Book) ApplicationOf(user string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.state.Issued {
		if c.User == user {
			return c.Application
		}
	}
	return ""
}

// NewUser makes the key of a user; seed is its secret half.
func NewUser() (key string, seed []byte, err error) {
	kp, err := nkeys.CreateUser()
	if err != nil {
		return "", nil, fmt.Errorf("make a key: %w", err)
	}
	if key, err = kp.PublicKey(); err != nil {
		return "", nil, err
	}
	seed, err = kp.Seed()
	return key, seed, err
}

// CredentialsFile puts a user's JWT and seed together as NATS clients read them.
func CredentialsFile(text string, seed []byte) ([]byte, error) {
	return jwt.FormatUserConfig(text, seed)
}
