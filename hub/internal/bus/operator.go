package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
)

// Operator is an external server in operator mode whose operator has given the hub a
// signing key: the hub makes the accounts there that the embedded server has.
type Operator struct {
	system *nats.Conn
	book   *accounts.Book
	dir    string
	url    string
	user   string
	key    nkeys.KeyPair

	pushing sync.Mutex // what was taken from the book later must not come first
}

// JoinOperator compares the settings of every server that can be reached, sees that
// they trust the signing key, and puts the accounts in force. Differences come as a
// ServerError. Of cfg only what is about accounts and the data directory counts.
func JoinOperator(ctx context.Context, ext External, cfg Embedded, log *zap.Logger) (*Operator, error) {
	seed, err := os.ReadFile(ext.OperatorKey)
	if err != nil {
		return nil, fmt.Errorf("read the signing key of the operator: %w", err)
	}
	book, err := accounts.Open(cfg.Dir, cfg.Spare, string(bytes.TrimSpace(seed)))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(writeLocal(book, cfg.Dir, cfg.Mailboxes), know(book, cfg.Organisations)); err != nil {
		return nil, err
	}
	o := &Operator{book: book, dir: cfg.Dir, url: ext.URL}
	if o.user, o.key, err = book.HubUser(); err != nil {
		return nil, err
	}
	o.system, err = nats.Connect(ext.URL, nats.UserCredentials(ext.SystemCreds), nats.Name("amtsbote accounts"), nats.MaxReconnects(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("nats: system account", zap.Error(err)) }))
	if err != nil {
		return nil, fmt.Errorf("connect to the system account at %s: %w", redact(ext.URL), err)
	}
	if err = o.verify(ctx); err == nil {
		err = o.Push(ctx)
	}
	if err != nil {
		o.Stop()
		return nil, err
	}
	return o, nil
}

// Connect joins the server as the hub.
func (o *Operator) Connect(ctx context.Context, log *zap.Logger) (*Bus, error) {
	b, err := dial(ctx, o.url, log, nats.UserJWT(func() (string, error) { return o.user, nil }, o.key.Sign))
	if err == nil {
		b.costs.syncing(true) // as all of its servers have said
	}
	return b, err
}

// Stop lets go of the system account.
func (o *Operator) Stop() { o.system.Close() }

// Accounts is the book of who may connect.
func (o *Operator) Accounts() *accounts.Book { return o.book }

// Admit is Server.Admit.
func (o *Operator) Admit(ctx context.Context, m MailboxOwners, orgs []accounts.Organisation) error {
	if err := writeLocal(o.book, o.dir, m); err != nil {
		return err
	}
	return admit(ctx, o.book, orgs, o.Push)
}

// serversAnswer is how long nothing comes before all servers are taken to have
// answered.
const serversAnswer = 300 * time.Millisecond

// verify asks all servers for their settings. Pushing to one that does not trust the
// key would lock organisations out at its next start: it stores what it is given
// (nats-server 2.15).
func (o *Operator) verify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	inbox := nats.NewInbox()
	sub, err := o.system.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("ask the servers for their settings: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := o.system.PublishRequest("$SYS.REQ.SERVER.PING.VARZ", inbox, nil); err != nil {
		return fmt.Errorf("ask the servers for their settings: %w", err)
	}
	var wrong []string
	for n := 0; ; n++ {
		m, err := o.next(ctx, sub, n == 0)
		if errors.Is(err, nats.ErrTimeout) && n > 0 {
			break
		}
		if err != nil {
			return fmt.Errorf("ask the servers for their settings: are the credentials those of the system account? %w", err)
		}
		var answer struct {
			Server struct {
				Name string `json:"name"`
			} `json:"server"`
			Data varz `json:"data"`
		}
		if err := json.Unmarshal(m.Data, &answer); err != nil {
			return fmt.Errorf("read a server's settings: %w", err)
		}
		for _, d := range append(answer.Data.drift(), answer.Data.distrust(o.book.Operator())...) {
			wrong = append(wrong, "server "+answer.Server.Name+": "+d.Says)
		}
	}
	if len(wrong) > 0 {
		return ServerError(wrong)
	}
	return nil
}

func (o *Operator) next(ctx context.Context, sub *nats.Subscription, first bool) (*nats.Msg, error) {
	if first {
		return sub.NextMsgWithContext(ctx)
	}
	return sub.NextMsg(serversAnswer)
}

// distrust says when accounts signed with a key would not be taken.
func (v *varz) distrust(signer string) []Deviation {
	if len(v.Operators) == 0 {
		return []Deviation{{"", "it has no operator: organisations would share one account, or have none"}}
	}
	for _, op := range v.Operators {
		if op.Subject == signer || slices.Contains(op.Nats.SigningKeys, signer) {
			return nil
		}
	}
	return []Deviation{{"", "its operator does not know the signing key that the hub was given"}}
}

// Push is Server.Push. The servers do not ask for accounts, so those that are new go to
// them too.
func (o *Operator) Push(ctx context.Context) error {
	o.pushing.Lock()
	defer o.pushing.Unlock()
	changed, err := o.book.Changed(true)
	if err != nil {
		return err
	}
	var errs []error
	order := append([]string{o.book.Hub()}, slices.Sorted(maps.Keys(changed))...) // the others import from it
	for i, account := range order {
		if changed[account] == "" || i > 0 && account == order[0] {
			continue
		}
		if err := o.send(ctx, changed[account]); err != nil {
			o.book.Lost(account)
			errs = append(errs, fmt.Errorf("put the account %s in force: %w", account, err))
		}
	}
	return errors.Join(errs...)
}

func (o *Operator) send(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	m, err := o.system.RequestWithContext(ctx, "$SYS.REQ.CLAIMS.UPDATE", []byte(text))
	if err != nil {
		return err
	}
	var answer struct {
		Data struct {
			Code int `json:"code"`
		} `json:"data"`
		Error *struct {
			Code        int    `json:"code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if answer.Error != nil {
		return fmt.Errorf("the server refused it: %s (%d)", answer.Error.Description, answer.Error.Code)
	}
	if answer.Data.Code != 200 {
		return fmt.Errorf("the server answered with code %d", answer.Data.Code)
	}
	return nil
}
