package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// attempt is one thing that a client tries at a subject that is not its own.
type attempt struct{ verb, whose, subject, body string }

// attempts is the isolation matrix on NATS: every verb at what is foreign and at what
// does not exist. alpha and hub are accounts' public keys; mailbox is a foreign one.
func attempts(alpha, hub, mailbox string) []attempt {
	type whose struct{ name, org, app, account, mailbox, consumer, stream, bucket string }
	event := string(ding("stolen"))
	var out []attempt
	for _, o := range []whose{
		{"foreign", "alpha", "alpha.app", alpha, mailbox, "WORK", "IN_alpha", "SCHEMAS"},
		{"unknown", "nobody", "nobody.app", "ANOBODY", "nobody_app", "NONE", "IN_nobody", "NONE"},
	} {
		add := func(verb, subject, body string) { out = append(out, attempt{verb, o.name, subject, body}) }
		add("publish", "in."+o.app+"."+hubtest.Ding, event)
		add("publish stamped", "in."+o.account+"."+o.app+"."+hubtest.Ding, event)
		add("publish to edge", "edge."+o.app+"."+hubtest.Ding, event)
		add("publish to out", "out."+o.app+"."+hubtest.Ding, event)
		add("publish to the trail", "trail.decision."+o.stream+".00", "{}")
		add("publish to quarantine", "quarantine."+o.app+".x.1", event)
		add("publish to parked", "parked."+o.app+".in.00", event)
		add("release", "parked.release."+o.app+".out.00", "")
		add("cursor", "out.cursor."+o.stream, `{"seq":9}`)
		add("acknowledge", "$JS.ACK.OUT."+o.mailbox+".1.1.1.1.0", "+ACK")
		add("refuse", "$JS.ACK.OUT."+o.mailbox+".1.1.2.1.0", "+TERM x")
		add("acknowledge stamped", "mack."+o.account+"."+o.mailbox+".1.1.1.1.0", "+ACK")
		add("control", "hub.control.reload", "")
		add("control of credentials", "hub.control.credentials", `{"act":"list"}`)
		add("inbox of another", accounts.Inbox(o.mailbox)+".x", event)
		add("key value", "$KV."+o.bucket+".x", "x")
		add("object store", "$O."+o.bucket+".C.x", "x")
		for _, api := range []string{"$JS.API.", "$JS.hub.API."} {
			out = append(out, apiAttempts(o.name, api, o.stream, o.mailbox, o.consumer, o.bucket)...)
		}
		for _, s := range []string{"SERVER.PING", "SERVER.PING.VARZ", "ACCOUNT." + hub + ".CONNZ", "ACCOUNT." + o.account + ".SUBSZ", "CLAIMS.UPDATE", "CLAIMS.DELETE", "CLAIMS.LIST", "USER.INFO", "ACCOUNT.PING.STATZ"} {
			add("$SYS", "$SYS.REQ."+s, "{}")
		}
		add("$SYS event", "$SYS.ACCOUNT."+o.account+".CONNECT", "{}")
	}
	return out
}

// apiAttempts are the verbs of JetStream's API.
func apiAttempts(whose, api, stream, mailbox, consumer, bucket string) (out []attempt) {
	add := func(verb, body string) { out = append(out, attempt{"$JS.API", whose, api + verb, body}) }
	for _, s := range []string{stream, "OUT", "TRAIL", "QUARANTINE", "PARKED", "KV_" + bucket, "OBJ_BLOBS"} {
		add("STREAM.INFO."+s, "")
		add("STREAM.CREATE."+s, `{"name":"`+s+`","subjects":["x"]}`)
		add("STREAM.UPDATE."+s, `{"name":"`+s+`","max_msgs":1}`)
		add("STREAM.DELETE."+s, "")
		add("STREAM.PURGE."+s, "")
		add("STREAM.MSG.GET."+s, `{"seq":1}`)
		add("STREAM.MSG.DELETE."+s, `{"seq":1}`)
		add("STREAM.SNAPSHOT."+s, `{"deliver_subject":"x"}`)
		add("STREAM.RESTORE."+s, `{"config":{}}`)
		add("STREAM.LEADER.STEPDOWN."+s, "")
		add("STREAM.PEER.REMOVE."+s, `{"peer":"x"}`)
		add("DIRECT.GET."+s, `{"seq":1}`)
		add("DIRECT.GET."+s+".x", "")
		add("CONSUMER.CREATE."+s, `{"stream_name":"`+s+`","config":{"ack_policy":"none"}}`)
		add("CONSUMER.CREATE."+s+".mine", `{"stream_name":"`+s+`","config":{"name":"mine","ack_policy":"none"}}`)
		add("CONSUMER.DURABLE.CREATE."+s+".mine", `{"stream_name":"`+s+`","config":{"durable_name":"mine","ack_policy":"none"}}`)
		add("CONSUMER.LIST."+s, "")
		add("CONSUMER.NAMES."+s, "")
		add("CONSUMER.MSG.NEXT."+s+"."+consumer, "1")
	}
	for _, verb := range []string{"INFO", "DELETE", "MSG.NEXT", "PAUSE", "RESET", "UNPIN", "LEADER.STEPDOWN"} {
		add("CONSUMER."+verb+".OUT."+mailbox, "")
	}
	for _, verb := range []string{"INFO", "STREAM.LIST", "STREAM.NAMES", "ACCOUNT.PURGE.A", "META.LEADER.STEPDOWN", "SERVER.REMOVE"} {
		add(verb, "")
	}
	return out
}

// own are the attempts that would be right of the client itself, without the domain.
func ownWithoutDomain(mailbox string) []attempt {
	return []attempt{
		{"MSG.NEXT without the domain", "own", "$JS.API.CONSUMER.MSG.NEXT.OUT." + mailbox, "1"},
		{"CONSUMER.INFO without the domain", "own", "$JS.API.CONSUMER.INFO.OUT." + mailbox, ""},
		{"CONSUMER.DELETE", "own", "$JS.hub.API.CONSUMER.DELETE.OUT." + mailbox, ""},
		{"CONSUMER.CREATE", "own", "$JS.hub.API.CONSUMER.CREATE.OUT." + mailbox, `{"stream_name":"OUT","config":{"durable_name":"` + mailbox + `","max_ack_pending":9}}`},
		{"CONSUMER.PAUSE", "own", "$JS.hub.API.CONSUMER.PAUSE.OUT." + mailbox, `{"pause_until":"2099-01-01T00:00:00Z"}`},
		{"CONSUMER.RESET", "own", "$JS.hub.API.CONSUMER.RESET.OUT." + mailbox, ""},
		{"STREAM.INFO", "own", "$JS.hub.API.STREAM.INFO.IN_beta", ""},
	}
}

// try asks and gives what was answered; an error when nobody may or does answer.
func (c *client) try(a attempt) ([]byte, error) {
	reply := c.inbox + "." + nats.NewInbox()[len("_INBOX."):]
	sub, err := c.SubscribeSync(reply)
	must(c.t, err)
	defer func() { _ = sub.Unsubscribe() }()
	before := c.LastError()
	must(c.t, c.PublishRequest(a.subject, reply, []byte(a.body)))
	must(c.t, c.FlushTimeout(10*time.Second))
	if now := c.LastError(); now != before && errors.Is(now, nats.ErrPermissionViolation) { //nolint:errorlint // is it another one?
		return nil, now // the server has said so before it answered the flush; each attempt has a subject of its own
	}
	m, err := sub.NextMsg(5 * time.Second) // at once, also when there is nobody
	if err != nil {
		return nil, err
	}
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return nil, nats.ErrNoResponders
	}
	return m.Data, nil
}

// everything is what all streams hold, but for the hub's own cursors, and how far all
// mailboxes are.
func (w *world) everything() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for _, s := range []string{"IN_alpha", "IN_beta", "EDGE_alpha", "EDGE_beta", bus.Out, bus.Trail, bus.Quarantine, bus.Parked, "KV_SCHEMAS", "KV_STATE", "OBJ_BLOBS"} {
		held, err := w.Bus().Subjects(w.t.Context(), s, ">")
		must(w.t, err)
		maps.DeleteFunc(held, func(subject string, _ uint64) bool { return strings.Contains(subject, ".cursor.") })
		out[s] = fmt.Sprint(held)
	}
	for _, app := range []string{"beta.one", "beta.two"} {
		at, err := w.Bus().Mailbox(w.t.Context(), app)
		must(w.t, err)
		out[app] = fmt.Sprintf("%+v", at)
	}
	return out
}

// insider is a client with all rights in an organisation's account: what would remain
// if an application's own rights were no wall.
func (w *world) insider(name, org string) *client {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.Data(), accounts.File))
	must(w.t, err)
	var book struct {
		Organisations map[string]struct {
			Account string `json:"account"`
		} `json:"organisations"`
	}
	must(w.t, json.Unmarshal(raw, &book))
	signer, err := nkeys.FromSeed([]byte(book.Organisations[org].Account))
	must(w.t, err)
	key, seed, err := accounts.NewUser()
	must(w.t, err)
	u := jwt.NewUserClaims(key)
	u.Name = "insider"
	text, err := u.Encode(signer)
	must(w.t, err)
	content, err := accounts.CredentialsFile(text, seed)
	must(w.t, err)
	file := filepath.Join(w.t.TempDir(), "insider.creds")
	must(w.t, os.WriteFile(file, content, 0o600))
	c, err := w.dial(name, file)
	must(w.t, err)
	return c
}

func (w *world) account(org string) string {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.Data(), accounts.File))
	must(w.t, err)
	var book struct {
		Organisations map[string]struct {
			Public string `json:"public"`
		} `json:"organisations"`
		Hub string `json:"hub"`
	}
	must(w.t, json.Unmarshal(raw, &book))
	if org != "HUB" {
		return book.Organisations[org].Public
	}
	kp, err := nkeys.FromSeed([]byte(book.Hub))
	must(w.t, err)
	pub, err := kp.PublicKey()
	must(w.t, err)
	return pub
}

// TestIsolation is the isolation matrix on NATS: nothing foreign is answered, seen or
// changed, neither for an application with its credential, where the server names and
// counts the violation, nor for somebody with all rights in an organisation's account.
func TestIsolation(t *testing.T) {
	w := newWorld(t)
	alpha := w.connect("alpha.app")
	w.events(alpha, 0, 3)
	foreign := attempts(w.account("alpha"), w.account("HUB"), "beta_two")
	for name, c := range map[string]struct {
		client *client
		list   []attempt
	}{
		"application": {w.connect("beta.one"), slices.Concat(foreign, ownWithoutDomain("beta_one"))},
		// of another mailbox of its own organisation an insider could take
		"insider": {w.insider("alpha.app", "alpha"), attempts(w.account("beta"), w.account("HUB"), "beta_two")},
	} {
		t.Run(name, func(t *testing.T) {
			before, counted := w.everything(), w.Violations()[bus.ViolationPublish]
			for _, a := range c.list {
				if name == "insider" && mayInsider(a) {
					continue
				}
				got, err := c.client.try(a)
				switch {
				case err == nil:
					t.Errorf("%s, %s (%s) is answered: %.200s", a.verb, a.whose, a.subject, got)
				case name == "application" && !errors.Is(err, nats.ErrPermissionViolation):
					t.Errorf("%s, %s (%s): %v, want a violation", a.verb, a.whose, a.subject, err)
				case name == "insider" && !errors.Is(err, nats.ErrNoResponders):
					t.Errorf("%s, %s (%s): %v, want that nobody answers", a.verb, a.whose, a.subject, err)
				}
			}
			if name == "application" {
				if n := w.Violations()[bus.ViolationPublish] - counted; n != uint64(len(c.list)) {
					t.Errorf("%d violations are counted of %d", n, len(c.list))
				}
			}
			for what, now := range w.everything() {
				if now != before[what] {
					t.Errorf("%s was %s, is %s", what, before[what], now)
				}
			}
		})
	}
}

// mayInsider leaves out what belongs to the insider's own account: its own events, and
// what it can say about itself.
func mayInsider(a attempt) bool {
	return strings.HasPrefix(a.subject, "in.alpha.") || a.subject == "$SYS.REQ.USER.INFO" || strings.HasPrefix(a.subject, "$SYS.REQ.ACCOUNT.PING.")
}

// TestOwnWorks: what the matrix refuses of others works of one's own.
func TestOwnWorks(t *testing.T) {
	w := newWorld(t)
	alpha, beta := w.connect("alpha.app"), w.connect("beta.one")
	w.events(alpha, 0, 2)
	must(t, beta.publish("in.beta.one."+hubtest.Ding, ding("own"))) // stored; refused later: its source is alpha's
	for _, m := range beta.take(2) {
		must(t, m.DoubleAck(t.Context()))
	}
	cons, err := beta.js().Consumer(t.Context(), "OUT", "beta_one")
	must(t, err)
	if info, err := cons.Info(t.Context()); err != nil || info.NumAckPending != 0 || info.NumPending != 0 {
		t.Errorf("the mailbox is %+v, %v", info, err)
	}
	for name, try := range map[string]func(ctx context.Context) error{
		"stream info":       func(ctx context.Context) error { _, err := beta.js().Stream(ctx, "OUT"); return err },
		"account info":      func(ctx context.Context) error { _, err := beta.js().AccountInfo(ctx); return err },
		"key value":         func(ctx context.Context) error { _, err := beta.js().KeyValue(ctx, "SCHEMAS"); return err },
		"object store":      func(ctx context.Context) error { _, err := beta.js().ObjectStore(ctx, "BLOBS"); return err },
		"consumers of OUT":  func(ctx context.Context) error { return beta.js().DeleteConsumer(ctx, "OUT", "beta_one") },
		"another's mailbox": func(ctx context.Context) error { _, err := beta.js().Consumer(ctx, "OUT", "beta_two"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second) // to a forbidden request nobody answers
			defer cancel()
			if err := try(ctx); err == nil {
				t.Errorf("%s exists for an application", name)
			}
		})
	}
}
