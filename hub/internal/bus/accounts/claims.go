package accounts

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
)

// What accounts are made for.
const (
	Domain     = "hub"     // of JetStream
	Stream     = "OUT"     // mailboxes are consumers of it
	MaxMessage = 1<<20 + 1 // the largest that an organisation may send, in bytes, headers included
)

// Limits of an organisation's account.
const (
	maxConnections   = 1024
	maxSubscriptions = 1024 // of one connection
)

// Exports of the account HUB. All are services. in and mack hold the importing
// account's public key as their second token, so no account can import another's;
// the other two are private: an account shows an activation token for each mailbox.
func exports() jwt.Exports {
	return jwt.Exports{
		{Name: "publish", Subject: "in.*.>", Type: jwt.Service, AccountTokenPosition: 2, ResponseType: jwt.ResponseTypeSingleton},
		{Name: "acknowledge", Subject: "mack.*.>", Type: jwt.Service, AccountTokenPosition: 2, ResponseType: jwt.ResponseTypeSingleton},
		{Name: "next", Subject: next("*"), Type: jwt.Service, TokenReq: true, ResponseType: jwt.ResponseTypeStream},
		{Name: "info", Subject: info("*"), Type: jwt.Service, TokenReq: true, ResponseType: jwt.ResponseTypeSingleton},
	}
}

func next(mailbox string) jwt.Subject {
	return jwt.Subject("$JS.API.CONSUMER.MSG.NEXT." + Stream + "." + mailbox)
}

func info(mailbox string) jwt.Subject {
	return jwt.Subject("$JS.API.CONSUMER.INFO." + Stream + "." + mailbox)
}

// inDomain is a subject of JetStream's API as a client with the domain says it.
func inDomain(s jwt.Subject) string {
	return strings.Replace(string(s), "$JS.", "$JS."+Domain+".", 1)
}

// systemClaims is the system account: nobody has credentials of it.
func (b *Book) systemClaims() *jwt.AccountClaims {
	c := jwt.NewAccountClaims(b.System())
	c.Name = "SYS"
	return c
}

// hubClaims is the account that everything is stored in. It is the same however
// many organisations and mailboxes there are, but for the rights of the local
// credential.
func (b *Book) hubClaims() *jwt.AccountClaims {
	c := jwt.NewAccountClaims(b.Hub())
	c.Name = "HUB"
	c.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
	c.Exports = exports()
	for _, s := range b.state.Local.Scopes {
		scope := jwt.NewUserScope()
		scope.Key, scope.Role = public(s.Signer), "local"
		scope.Template.Permissions = s.Rights.permissions()
		c.SigningKeys.AddScopedSigner(scope)
	}
	return c
}

// organisationClaims is an account that holds nothing but imports.
func (b *Book) organisationClaims(id string) (*jwt.AccountClaims, error) {
	keys := b.state.Organisations[id]
	account := keys.Public
	c := jwt.NewAccountClaims(account)
	c.Name = id
	c.Limits.AccountLimits = jwt.AccountLimits{Imports: jwt.NoLimit, Conn: b.connections(), DisallowBearer: true}
	c.Limits.NatsLimits = jwt.NatsLimits{Subs: maxSubscriptions, Data: jwt.NoLimit, Payload: MaxMessage}
	org, there := b.orgs[id]
	if _, suspended := b.state.Suspended[id]; suspended || !there {
		c.Limits.Conn = 0 // who is connected is dropped
		return c, nil
	}
	c.SigningKeys.AddScopedSigner(b.applicationScope(public(keys.Signer)))
	c.Imports.Add(
		b.serves("in."+account+"."+id+".>", "in."+id+".>"),
		// leads nowhere: with it the server does not give the account JetStream's API,
		// and does not map the domain to that (nats-server 2.15, jetstream.go,
		// enableJetStreamInfoServiceImportOnly)
		b.serves("mack."+account+".none", "$JS.API.INFO"),
	)
	for _, app := range org.Applications {
		if app.Mailbox == "" {
			continue
		}
		c.Imports.Add(b.serves("mack."+account+"."+app.Mailbox+".>", "$JS.ACK."+Stream+"."+app.Mailbox+".>"))
		for _, subject := range []jwt.Subject{next(app.Mailbox), info(app.Mailbox)} {
			i := b.serves(string(subject), inDomain(subject))
			var err error
			if i.Token, err = b.activation(account, subject); err != nil {
				return nil, err
			}
			c.Imports.Add(i)
		}
	}
	for _, one := range b.state.Issued {
		now := time.Now()
		if one.organisation() == id && now.Before(one.Expires) && b.stateOf(one, now) != Active {
			c.RevokeAt(one.User, one.Expires) // whatever was issued for this key
		}
	}
	return c, nil
}

// connections is how many there may be of an organisation at a time. While the doors
// are shut the account is otherwise what it will be: to a client that comes back it
// says that there is no room, and not that it does not know it any more, upon which
// clients give up for good.
func (b *Book) connections() int64 {
	if b.shut {
		return 0
	}
	return maxConnections
}

func (b *Book) serves(subject, local string) *jwt.Import {
	return &jwt.Import{Account: b.Hub(), Subject: jwt.Subject(subject), LocalSubject: jwt.RenamingSubject(local), Type: jwt.Service}
}

// applicationScope is what an application's credential permits: to publish under
// its own name, to take from its own mailbox, and to hear answers in its own inbox.
func (b *Book) applicationScope(signer string) *jwt.UserScope {
	const name, mailbox = "{{name()}}", "{{tag(mailbox)}}"
	scope := jwt.NewUserScope()
	scope.Key, scope.Role = signer, "application"
	scope.Template.AllowedConnectionTypes.Add(jwt.ConnectionTypeStandard)
	scope.Template.Pub.Allow.Add("in."+name+".>", inDomain(next(mailbox)), inDomain(info(mailbox)), "$JS.ACK."+Stream+"."+mailbox+".>")
	scope.Template.Sub.Allow.Add(Inbox(mailbox) + ".>")
	return scope
}

// Inbox is the prefix of an application's answers: nats.CustomInboxPrefix.
func Inbox(mailbox string) string { return "_INBOX_" + mailbox }

// activation is the token with which an account may import a private export.
func (b *Book) activation(account string, subject jwt.Subject) (string, error) {
	key := account + " " + string(subject)
	if slip := b.slips[key]; slip != "" {
		return slip, nil
	}
	a := jwt.NewActivationClaims(account)
	a.ImportSubject, a.ImportType = subject, jwt.Service
	slip, err := a.Encode(pair(b.state.Hub))
	if err != nil {
		return "", fmt.Errorf("make an activation token: %w", err)
	}
	b.slips[key] = slip
	return slip, nil
}

// claims gives the claims of any account of ours.
func (b *Book) claims(account string) (*jwt.AccountClaims, error) {
	switch account {
	case b.System():
		return b.systemClaims(), nil
	case b.Hub():
		return b.hubClaims(), nil
	}
	if id := b.organisationOf(account); id != "" {
		return b.organisationClaims(id)
	}
	return nil, ErrUnknown
}

// JWT gives an account's JWT as it is now, and takes it for handed over. ErrUnknown
// for an account that is none of ours.
func (b *Book) JWT(account string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, err := b.claims(account)
	if err != nil {
		return "", err
	}
	return b.hand(c)
}

func (b *Book) hand(c *jwt.AccountClaims) (string, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	text, err := c.Encode(pair(b.operator))
	if err != nil {
		return "", fmt.Errorf("sign the account %s: %w", c.Name, err)
	}
	b.given[c.Subject] = string(content)
	return text, nil
}

// Changed gives the JWTs of the accounts that are no longer what was handed over,
// by their public keys, and takes them for handed over. Those that never were are
// among them only with all.
func (b *Book) Changed(all bool) (map[string]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	accounts := []string{b.Hub()} // first: the others import from it
	for _, o := range b.state.Organisations {
		accounts = append(accounts, o.Public)
	}
	out := map[string]string{}
	for _, account := range accounts {
		before, given := b.given[account]
		if !given && !all {
			continue
		}
		c, err := b.claims(account)
		if err != nil {
			return nil, err
		}
		content, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		if given && before == string(content) {
			continue
		}
		if out[account], err = b.hand(c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Lost says that an account was not handed over after all.
func (b *Book) Lost(account string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.given[account] = ""
}
