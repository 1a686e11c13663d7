package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// VerbCredentials is what is asked about credentials, on the control channel.
const VerbCredentials = "credentials"

// CredentialsList asks for all credentials; every other Act of a CredentialsRequest
// is one of package decision.
const CredentialsList = "list"

// CredentialsRequest asks for an act, or for the list.
type CredentialsRequest struct {
	Act string `json:"act"`
	// Name of the application; for ActSuspend and ActResume also an organisation.
	Name string `json:"name,omitempty"`
	ID   string `json:"id,omitempty"` // of the credential to revoke
	// User is the public key of who is to get the credential.
	User    string        `json:"user,omitempty"`
	Valid   time.Duration `json:"valid,omitempty"`
	Overlap time.Duration `json:"overlap,omitempty"` // of ActRotate
	Who     string        `json:"who,omitempty"`
	Reason  string        `json:"reason,omitempty"`
	Lang    string        `json:"lang,omitempty"`
}

// CredentialsAnswer is what became of it.
type CredentialsAnswer struct {
	Issued *accounts.Credential `json:"issued,omitempty"`
	JWT    string               `json:"jwt,omitempty"` // of who asked for the credential
	List   []accounts.Listed    `json:"list,omitempty"`
	// Warning says, in the language of who asks, that the act is done and not in force
	// yet; "" when it is.
	Warning string `json:"warning,omitempty"`
}

func (a *App) serveCredentials(ctx context.Context, data []byte) ([]byte, error) {
	var req CredentialsRequest
	if err := json.Unmarshal(data, &req); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if a.doors == nil {
		return nil, req.says("dieser Amtsbote nutzt einen NATS-Server, für dessen Operator er keinen Schlüssel hat: die Zugänge vergibt, wer den Server betreibt (serve --nats-operator)",
			"this hub uses a NATS server without a key of its operator: whoever runs the server issues credentials (serve --nats-operator)")
	}
	if req.Act == CredentialsList {
		return json.Marshal(CredentialsAnswer{List: a.doors.Accounts().List()}) //nolint:gosec // a JWT is no secret: its key is
	}
	answer, err := a.credentialsAct(ctx, req)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer) //nolint:gosec // a JWT is no secret: its key is
}

// credentialsAct checks, records the act, does it, and puts it in force.
func (a *App) credentialsAct(ctx context.Context, req CredentialsRequest) (*CredentialsAnswer, error) {
	a.reloading.Lock() // the directory must not change meanwhile
	defer a.reloading.Unlock()
	act := &decision.Act{Act: req.Act, Application: req.Name, Who: req.Who, Reason: req.Reason, At: time.Now().UTC()}
	do, err := a.credentialsPlan(req, act)
	if err != nil {
		return nil, err
	}
	if err := a.recordCredentials(ctx, act); err != nil {
		return nil, err
	}
	var answer CredentialsAnswer
	if err = do(&answer); err != nil {
		a.log.Error("an act on credentials failed", zap.String("act", act.Act), zap.String("application", act.Application), zap.Error(err))
		return nil, err
	}
	if err = a.doors.Push(ctx); err != nil {
		answer.Warning = req.says("eingetragen, aber noch nicht in Kraft; Amtsbote versucht es jede Minute wieder: %v",
			"entered, but not in force yet; the hub tries again every minute: %v", err).Error()
	}
	a.log.Info("a person acted on credentials", zap.String("act", act.Act), zap.String("application", act.Application),
		zap.String("credential", act.Credential), zap.Error(err))
	return &answer, nil
}

// credentialsPlan checks what is asked, completes its record, and tells how it is done.
func (a *App) credentialsPlan(req CredentialsRequest, act *decision.Act) (do func(*CredentialsAnswer) error, err error) {
	book := a.doors.Accounts()
	switch req.Act {
	case decision.ActIssue, decision.ActRotate:
		if _, known := a.Federation().Application(req.Name); !known {
			return nil, req.unknown(req.Name)
		}
		act.Credential = accounts.NewID()
		r := req.credential(act.Credential)
		do = func(out *CredentialsAnswer) error {
			c, text, err := book.Issue(r)
			out.Issued, out.JWT = &c, text
			return err
		}
		return do, book.Check(r)
	case decision.ActRevoke:
		one, err := book.Find(req.ID)
		if err != nil {
			return nil, req.says("es gibt keinen Zugang %q; \"amtsbote credentials list\" nennt alle", "there is no credential %q; \"amtsbote credentials list\" names all", req.ID)
		}
		act.Application, act.Credential = one.Application, one.ID
		return func(*CredentialsAnswer) error { return book.Revoke(req.ID) }, nil
	case decision.ActSuspend, decision.ActResume:
		return a.suspensionPlan(req)
	}
	return nil, req.says("was ist mit den Zugängen zu tun?", "what is to be done with credentials?")
}

func (a *App) suspensionPlan(req CredentialsRequest) (func(*CredentialsAnswer) error, error) {
	book := a.doors.Accounts()
	switch {
	case !book.Known(req.Name):
		return nil, req.unknown(req.Name)
	case req.Act == decision.ActSuspend:
		return func(*CredentialsAnswer) error { return book.Suspend(req.Name) }, nil
	case !book.IsSuspended(req.Name):
		return nil, req.says("%s ist nicht gesperrt", "%s is not suspended", req.Name)
	}
	return func(*CredentialsAnswer) error { return book.Resume(req.Name) }, nil
}

// credential is what the book is asked for.
func (r CredentialsRequest) credential(id string) accounts.Request {
	out := accounts.Request{ID: id, Application: r.Name, User: r.User, Valid: cmp.Or(r.Valid, accounts.DefaultValid), Overlap: accounts.Keep}
	if r.Act == decision.ActRotate {
		out.Overlap = max(r.Overlap, 0)
	}
	return out
}

func (a *App) recordCredentials(ctx context.Context, act *decision.Act) error {
	m, err := trail.Act(act)
	if err != nil {
		return err
	}
	_, err = a.bus.AppendUnguarded(ctx, []event.Message{m})
	return err
}

func (r CredentialsRequest) unknown(name string) error {
	return r.says("%q steht nicht im Verbundverzeichnis: der Name lautet <organisation>.<fachverfahren>", "%q is not in the federation directory: the name is <organisation>.<application>", name)
}

// says makes an error in the language of who asks.
func (r CredentialsRequest) says(de, en string, args ...any) error {
	if r.Lang == "de" {
		return bus.ActError(fmt.Sprintf(de, args...))
	}
	return bus.ActError(fmt.Sprintf(en, args...))
}
