// Package accounts keeps who may connect to NATS and as what: the keys of the
// operator, the system account, the account HUB and one account for each
// organisation, and the credentials issued to applications. It makes the JWTs that
// say so (NATS decentralised JWT); whoever runs or joins a server hands them over.
package accounts

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nkeys"
)

// File holds all keys and the register of credentials, in the data directory: who
// reads it speaks for everybody.
const File = "accounts.json"

// Organisation is what a book needs to know of one.
type Organisation struct {
	ID           string
	Applications []Application
}

// Application is one of an organisation's.
type Application struct {
	ID string // <organisation>.<application>
	// Mailbox is the name of its mailbox when that has mode nats; else "".
	Mailbox string
}

// Book is the keys and the register. Its methods may be called by several
// goroutines.
type Book struct {
	path, spare string
	operator    string // seed that accounts are signed with

	mu    sync.Mutex
	state state
	orgs  map[string]Organisation // of the federation directory in force
	shut  bool                    // no organisation may connect yet
	given map[string]string       // what an account is, by its public key, as it was handed over last
	slips map[string]string       // activation tokens by account and subject
}

// state is what File holds. Keys are seeds.
type state struct {
	Operator      string                   `json:"operator"`
	System        string                   `json:"system"`
	Hub           string                   `json:"hub"`
	Local         local                    `json:"local"`
	Organisations map[string]*organisation `json:"organisations"`
	// Suspended applications and organisations, and since when.
	Suspended map[string]time.Time `json:"suspended"`
	Issued    []*Credential        `json:"issued"`
}

type organisation struct {
	Public  string `json:"public"`
	Account string `json:"account"`
	Signer  string `json:"signer"` // scoped: what it signs is an application and no more
}

// Open reads the book of a data directory, or makes one. spare is a folder in which
// a second copy is kept; "" for none. With operator, the seed of a signing key of
// another's operator, the hub signs with that.
func Open(dir, spare, operator string) (*Book, error) {
	b := &Book{path: filepath.Join(dir, File), orgs: map[string]Organisation{}, given: map[string]string{}, slips: map[string]string{}}
	if spare != "" {
		b.spare = filepath.Join(spare, File)
	}
	err := b.read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = b.make()
	}
	if err != nil {
		return nil, err
	}
	b.operator = b.state.Operator
	if operator != "" {
		b.operator = operator
	}
	if prefix, _, err := nkeys.DecodeSeed([]byte(b.operator)); err != nil || prefix != nkeys.PrefixByteOperator {
		return nil, errors.New("the signing key of the operator is no seed of an operator's key (it begins with SO)")
	}
	return b, b.keep()
}

// read takes the file, or its spare when that is damaged or gone.
func (b *Book) read(dir string) error {
	s, err := readState(b.path)
	if err == nil {
		b.state = *s
		return nil
	}
	if b.spare != "" {
		if kept, spareErr := readState(b.spare); spareErr == nil {
			b.state = *kept
			return b.write()
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		stores, globErr := fs.Glob(os.DirFS(dir), "jetstream/*/streams/*")
		if globErr == nil && len(stores) > 0 {
			return fmt.Errorf("%s is missing, but there is a store, which cannot be read without it: restore it from your backup; a store of a version without accounts for organisations cannot be taken over: move it away", b.path)
		}
		return err
	}
	return fmt.Errorf("%s is damaged: restore it from your backup, the store cannot be read without it: %w", b.path, err)
}

func readState(path string) (*state, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // our own data directory
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, errors.New("it is no JSON of a book of accounts") // the decoder's words may quote a key
	}
	for _, seed := range []string{s.Operator, s.System, s.Hub, s.Local.User} {
		if _, err := nkeys.FromSeed([]byte(seed)); err != nil {
			return nil, errors.New("a key is missing or damaged")
		}
	}
	if s.Organisations == nil {
		s.Organisations = map[string]*organisation{}
	}
	if s.Suspended == nil {
		s.Suspended = map[string]time.Time{}
	}
	return &s, nil
}

func (b *Book) make() (err error) {
	b.state = state{Organisations: map[string]*organisation{}, Suspended: map[string]time.Time{}}
	for _, k := range []struct {
		seed *string
		make func() (nkeys.KeyPair, error)
	}{
		{&b.state.Operator, nkeys.CreateOperator},
		{&b.state.System, nkeys.CreateAccount},
		{&b.state.Hub, nkeys.CreateAccount},
		{&b.state.Local.User, nkeys.CreateUser},
	} {
		if *k.seed, err = newSeed(k.make); err != nil {
			return err
		}
	}
	return b.write()
}

func newSeed(make func() (nkeys.KeyPair, error)) (string, error) {
	kp, err := make()
	if err != nil {
		return "", fmt.Errorf("make a key: %w", err)
	}
	seed, err := kp.Seed()
	return string(seed), err
}

// write stores the state, synced, and then its spare.
func (b *Book) write() error {
	raw, err := json.MarshalIndent(b.state, "", " ")
	if err != nil {
		return err
	}
	if err := WriteSecret(b.path, raw); err != nil {
		return err
	}
	return b.keep()
}

// keep brings the spare up to date.
func (b *Book) keep() error {
	if b.spare == "" {
		return nil
	}
	raw, err := os.ReadFile(b.path)
	if err != nil {
		return err
	}
	if kept, err := os.ReadFile(b.spare); err == nil && string(kept) == string(raw) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(b.spare), 0o700); err != nil {
		return err
	}
	return WriteSecret(b.spare, raw)
}

// change has fn change a copy of the state, which counts once it is stored.
func (b *Book) change(fn func(*state) error) error {
	raw, err := json.Marshal(b.state)
	if err != nil {
		return err
	}
	var next state
	if err := json.Unmarshal(raw, &next); err != nil {
		return err
	}
	if err := fn(&next); err != nil {
		return err
	}
	before := b.state
	b.state = next
	if err := b.write(); err != nil {
		b.state = before
		return err
	}
	return nil
}

// Accounts gives the public keys of organisations' accounts by their ids; what
// there is none of is made.
func (b *Book) Accounts(ids ...string) (map[string]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return b.state.Organisations[id] != nil })
	if len(missing) > 0 {
		err := b.change(func(s *state) (err error) {
			for _, id := range missing {
				o := &organisation{}
				if o.Account, err = newSeed(nkeys.CreateAccount); err != nil {
					return err
				}
				if o.Signer, err = newSeed(nkeys.CreateAccount); err != nil {
					return err
				}
				o.Public = public(o.Account)
				s.Organisations[id] = o
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	out := map[string]string{}
	for _, id := range ids {
		out[id] = b.state.Organisations[id].Public
	}
	return out, nil
}

// Know says which organisations there are now; those that it does not name can
// connect no more. Their accounts must have been made (Accounts).
func (b *Book) Know(orgs []Organisation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orgs = map[string]Organisation{}
	for _, o := range orgs {
		b.orgs[o.ID] = o
	}
}

// Organisations are those that Know was told of last.
func (b *Book) Organisations() []Organisation {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.orgs))
}

// Shut lets nobody of an organisation connect until it is called with false.
func (b *Book) Shut(yes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shut = yes
}

// application finds an application of the directory.
func (b *Book) application(id string) (Application, bool) {
	org, _, _ := strings.Cut(id, ".")
	for _, a := range b.orgs[org].Applications {
		if a.ID == id {
			return a, true
		}
	}
	return Application{}, false
}

// Hub is the public key of the account HUB, which the store is named after.
func (b *Book) Hub() string { return public(b.state.Hub) }

// System is the public key of the system account.
func (b *Book) System() string { return public(b.state.System) }

// Operator is the public key of the operator.
func (b *Book) Operator() string { return public(b.operator) }

// organisationOf finds whose account a public key is; "" for nobody's.
func (b *Book) organisationOf(account string) string {
	for id, o := range b.state.Organisations {
		if o.Public == account {
			return id
		}
	}
	return ""
}

// pair reads a seed that was checked when it came.
func pair(seed string) nkeys.KeyPair {
	kp, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		panic("a key of the book of accounts was changed in memory")
	}
	return kp
}

func public(seed string) string {
	pub, err := pair(seed).PublicKey()
	if err != nil {
		panic("a key of the book of accounts was changed in memory")
	}
	return pub
}

// NewID makes the id of a credential.
func NewID() string {
	var raw [10]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:]))
}
