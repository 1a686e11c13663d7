package bus

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
)

// resolver gives the server the accounts of a book when it asks.
type resolver struct{ book *accounts.Book }

func (r resolver) Fetch(account string) (string, error) {
	text, err := r.book.JWT(account)
	if errors.Is(err, accounts.ErrUnknown) {
		return "", server.ErrMissingAccount
	}
	return text, err
}

func (resolver) Store(string, string) error { return errors.New("accounts are made by the hub") }
func (resolver) IsReadOnly() bool           { return true }
func (resolver) Start(*server.Server) error { return nil }
func (resolver) IsTrackingUpdate() bool     { return false }
func (resolver) Reload() error              { return nil }
func (resolver) Close()                     {}

// Accounts is the book of who may connect.
func (s *Server) Accounts() *accounts.Book { return s.book }

// know tells a book of the organisations, whose accounts it makes.
func know(book *accounts.Book, orgs []accounts.Organisation) error {
	ids := make([]string, len(orgs))
	for i, o := range orgs {
		ids[i] = o.ID
	}
	if _, err := book.Accounts(ids...); err != nil {
		return err
	}
	book.Know(orgs)
	return nil
}

// writeLocal makes the file of the local credential say what it may now. Who is
// connected with it keeps the rights of before until it connects anew, or the next
// change but one drops it.
func writeLocal(book *accounts.Book, dir string, m MailboxOwners) error {
	creds, err := book.Permit(localRights(m))
	if err == nil {
		err = accounts.WriteSecret(filepath.Join(dir, LocalCredential), creds)
	}
	if err != nil {
		return fmt.Errorf("change the rights of the local credential: %w", err)
	}
	return nil
}

// Admit lets just these organisations in, by accounts that hold just what is theirs,
// and has the local credential keep away from what the hub hands out. Who has left is
// dropped; the hub's own connection goes on. Before the first Admit nobody is let in.
// After an error organisations are let in as they were before.
func (s *Server) Admit(ctx context.Context, m MailboxOwners, orgs []accounts.Organisation) error {
	if err := s.writeLocal(m); err != nil {
		return err
	}
	return admit(ctx, s.book, orgs, s.Push)
}

// writeLocal is writeLocal where there is a door that the credential opens. Without one
// the account HUB stays as it was: each change of it takes JetStream's API away from
// the hub's own connection for a moment (nats-server 2.15, accounts.go,
// updateAccountClaimsWithRefresh).
func (s *Server) writeLocal(m MailboxOwners) error {
	if !s.listens {
		return nil
	}
	return writeLocal(s.book, s.dir, m)
}

// admit changes the book and has push put that in force. When one of them fails, those
// are let in that were before.
func admit(ctx context.Context, book *accounts.Book, orgs []accounts.Organisation, push func(context.Context) error) error {
	before := book.Organisations()
	err := know(book, orgs)
	if err == nil {
		book.Shut(false)
		err = push(ctx)
	}
	if err == nil {
		return nil
	}
	book.Know(before)
	return errors.Join(err, push(context.WithoutCancel(ctx)))
}

// Push puts in force what has changed in the book. Whom that locks out is dropped
// when it returns.
func (s *Server) Push(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed, err := s.book.Changed(false)
	if err != nil {
		return err
	}
	var errs []error
	for account, text := range changed {
		if err := update(s.ns, account, text); err != nil {
			s.book.Lost(account)
			errs = append(errs, fmt.Errorf("put the account %s in force: %w", account, err))
		}
	}
	s.loadAccounts()
	return errors.Join(errs...)
}

func update(ns *server.Server, account, text string) error {
	claims, err := jwt.DecodeAccountClaims(text)
	if err != nil {
		return err
	}
	acc, err := ns.LookupAccount(account)
	if err != nil {
		return err
	}
	ns.UpdateAccountClaims(acc, claims)
	return nil
}

// Connect joins the server in-process.
func (s *Server) Connect(ctx context.Context, log *zap.Logger) (*Bus, error) {
	b, err := dial(ctx, "", log, nats.InProcessServer(s),
		nats.UserJWT(func() (string, error) { return s.user, nil }, s.key.Sign))
	if err == nil {
		b.costs.syncing(synced())
	}
	return b, err
}
