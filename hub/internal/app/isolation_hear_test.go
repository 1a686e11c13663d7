package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestNobodyListensIn: an application hears its own inbox and nothing else, and with
// all rights in an organisation's account nothing of another's, while events flow.
func TestNobodyListensIn(t *testing.T) {
	w := newWorld(t)
	alpha, beta, other := w.connect("alpha.app"), w.connect("beta.one"), w.connect("beta.two")
	subjects := []string{
		">", "*", "*.>", "in.>", "in.alpha.>", "out.>", "trail.>", "mack.>", "hub.control.>", "$JS.>", "$JS.ACK.>", "$JS.EVENT.>", "$SYS.>", "$KV.>", "$O.>",
		"_INBOX.>", "_INBOX_beta_two.>", "_INBOX_*.>", "_R_.>", "_INBOX_beta_one",
	}
	counted := w.Violations()[bus.ViolationSubscribe]
	for _, s := range subjects {
		if _, err := other.SubscribeSync(s); err != nil {
			t.Fatal(err)
		}
		if s == "_INBOX_beta_two.>" { // its own
			continue
		}
		must(t, other.FlushTimeout(5*time.Second))
		if err := other.LastError(); !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), `"`+s+`"`) {
			t.Errorf("subscribed to %s: %v, want a violation", s, err)
		}
	}
	if n := w.Violations()[bus.ViolationSubscribe] - counted; n != uint64(len(subjects)-1) {
		t.Errorf("%d violations are counted of %d", n, len(subjects)-1)
	}
	spy := w.insider("gone.app", "alpha")
	heard, err := spy.SubscribeSync(">")
	must(t, err)
	must(t, spy.FlushTimeout(5*time.Second))
	w.events(alpha, 0, 3)
	for _, m := range beta.take(3) {
		must(t, m.DoubleAck(t.Context()))
	}
	must(t, alpha.Publish("in.alpha.app.end", nil)) // behind all that, as the server sees it
	must(t, alpha.FlushTimeout(5*time.Second))
	must(t, spy.FlushTimeout(5*time.Second))
	for {
		m, err := heard.NextMsg(5 * time.Second)
		must(t, err)
		if m.Subject == "in.alpha.app.end" {
			break
		}
		if !strings.HasPrefix(m.Subject, "in.alpha.app.") && !strings.HasPrefix(m.Subject, "_INBOX_alpha_app.") {
			t.Errorf("within the account of alpha one hears %s", m.Subject)
		}
	}
}

// TestReplies: a reply subject is where the hub's answer goes with the rights of the
// account that asked, so it reaches nothing of others (facts: within one account it
// is not authorised).
func TestReplies(t *testing.T) {
	w := newWorld(t)
	alpha := w.connect("alpha.app")
	w.events(alpha, 0, 2)
	asks := map[string]string{"in.beta.one." + hubtest.Ding: string(ding("x")), "$JS.hub.API.CONSUMER.MSG.NEXT.OUT.beta_one": "1", "$JS.hub.API.CONSUMER.INFO.OUT.beta_one": "", "$JS.ACK.OUT.beta_one.1.1.1.1.0": "+ACK"}
	replies := []string{
		"in.alpha.app.fake", "in." + w.account("alpha") + ".alpha.app.fake", "edge.beta.one.fake", "out.beta.two.fake", "trail.decision.IN_alpha.00", "parked.release.beta.two.out.00",
		"$JS.API.STREAM.PURGE.IN_alpha", "$JS.hub.API.STREAM.PURGE.IN_alpha", "$JS.API.STREAM.DELETE.OUT", "$JS.ACK.OUT.beta_two.1.1.1.1.0", "mack." + w.account("beta") + ".beta_two.1.1.1.1.0",
		"hub.control.reload", "_INBOX_beta_two.x", "_INBOX_alpha_app.x", "_R_.x.y", "$SYS.REQ.CLAIMS.UPDATE", "$KV.SCHEMAS.x",
	}
	spy, err := w.connect("alpha.app").SubscribeSync("_INBOX_alpha_app.>")
	must(t, err)
	before := w.everything()
	for _, c := range []*client{w.connect("beta.one"), w.insider("beta.one", "beta")} {
		for subject, body := range asks {
			for _, reply := range replies {
				must(t, c.PublishRequest(subject, reply, []byte(body)))
			}
		}
		must(t, c.FlushTimeout(5*time.Second))
		must(t, c.publish("in.beta.one.end", nil)) // behind all that
	}
	for what, now := range w.everything() {
		own := what == "IN_beta" || what == bus.Trail || what == bus.Quarantine || what == "beta.one" // its own, and what the hub says of that
		if now != before[what] && !own {
			t.Errorf("%s was %s, is %s", what, before[what], now)
		}
	}
	if m, err := spy.NextMsg(100 * time.Millisecond); err == nil {
		t.Errorf("another organisation got %s", m.Subject)
	}
	if got := w.deliveries("beta.two"); len(got) != 0 {
		t.Errorf("another mailbox's copies are recorded as ended: %+v", got)
	}
}
