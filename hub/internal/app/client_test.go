package app_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// world is a running hub on the test federation, whose applications connect with
// credentials of their own.
type world struct {
	*app.App
	t   *testing.T
	dir string
	w   *watch
	cfg app.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), w: newWatch()}
	hubtest.WriteFederation(t, w.dir)
	w.cfg = app.Config{Directory: w.dir, Data: filepath.Join(t.TempDir(), "data"), Observer: w.w, Listen: "127.0.0.1:0"}
	w.App = startApp(t, w.cfg)
	t.Cleanup(func() { stopApp(t, w.App) })
	return w
}

// restart ends the hub and starts it again on the same address.
func (w *world) restart() {
	w.t.Helper()
	w.cfg.Listen = strings.TrimPrefix(w.URL(), "nats://")
	stopApp(w.t, w.App)
	w.App = startApp(w.t, w.cfg)
}

// act has the hub do something with credentials.
func (w *world) act(req app.CredentialsRequest) (app.CredentialsAnswer, error) {
	var answer app.CredentialsAnswer
	req.Who = "test"
	err := app.Ask(w.t.Context(), w.Data(), nil, app.VerbCredentials, req, &answer)
	return answer, err
}

// issue gives a credentials file for an application, and the credential's id.
func (w *world) issue(req app.CredentialsRequest) (file, id string) {
	w.t.Helper()
	key, seed, err := accounts.NewUser()
	must(w.t, err)
	req.User = key
	if req.Act == "" {
		req.Act = decision.ActIssue
	}
	answer, err := w.act(req)
	must(w.t, err)
	content, err := accounts.CredentialsFile(answer.JWT, seed)
	must(w.t, err)
	file = filepath.Join(w.t.TempDir(), "app.creds")
	must(w.t, os.WriteFile(file, content, 0o600))
	return file, answer.Issued.ID
}

// client is an application's connection, which does not come back when it is lost.
type client struct {
	*nats.Conn
	t      *testing.T
	name   string
	inbox  string
	closed chan error // why the connection ended
}

func (w *world) dial(name, file string) (*client, error) {
	c := &client{t: w.t, name: name, inbox: accounts.Inbox(decision.MailboxName(name)), closed: make(chan error, 1)}
	var err error
	c.Conn, err = nats.Connect(w.URL(), nats.UserCredentials(file), nats.CustomInboxPrefix(c.inbox), nats.NoReconnect(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
		nats.ClosedHandler(func(nc *nats.Conn) { c.closed <- nc.LastError() }))
	if err == nil {
		w.t.Cleanup(c.Close)
	}
	return c, err
}

// connect issues a credential and connects with it.
func (w *world) connect(name string) *client {
	w.t.Helper()
	file, _ := w.issue(app.CredentialsRequest{Name: name})
	c, err := w.dial(name, file)
	must(w.t, err)
	return c
}

// dropped waits for the server to end the connection.
func (c *client) dropped() {
	c.t.Helper()
	select {
	case err := <-c.closed:
		c.t.Logf("%s was dropped: %v", c.name, err)
	case <-time.After(hubtest.Patience):
		c.t.Fatal("the connection goes on")
	}
}

func (c *client) js() jetstream.JetStream {
	c.t.Helper()
	js, err := jetstream.NewWithDomain(c.Conn, "hub")
	must(c.t, err)
	return js
}

// publish sends an event and tells whether the hub has stored it.
func (c *client) publish(subject string, data []byte) error {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	m := &nats.Msg{Subject: subject, Header: nats.Header{"Content-Type": {"application/cloudevents+json"}}, Data: data}
	ack, err := c.js().PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	if err == nil && ack.Sequence == 0 {
		err = errors.New("no sequence")
	}
	return err
}

// take fetches n copies of the application's mailbox.
func (c *client) take(n int) []jetstream.Msg {
	c.t.Helper()
	cons, err := c.js().Consumer(c.t.Context(), "OUT", decision.MailboxName(c.name))
	must(c.t, err)
	var out []jetstream.Msg
	for deadline := time.Now().Add(hubtest.Patience); len(out) < n && time.Now().Before(deadline); {
		batch, err := cons.Fetch(n-len(out), jetstream.FetchMaxWait(2*time.Second))
		must(c.t, err)
		for m := range batch.Messages() {
			out = append(out, m)
		}
	}
	if len(out) != n {
		c.t.Fatalf("%s got %d copies, want %d", c.name, len(out), n)
	}
	return out
}

// events publishes n events as alpha.app, each of which beta.one and beta.two get,
// and waits until they are decided.
func (w *world) events(c *client, from, n int) {
	w.t.Helper()
	for i := range n {
		must(w.t, c.publish("in.alpha.app."+hubtest.Ding, ding(fmt.Sprint("e", from+i))))
	}
	w.w.expect(w.t, n, 0)
}
