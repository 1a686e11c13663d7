package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
)

// deliveries are the records of a mailbox in the trail.
func (w *world) deliveries(mailbox string) (out []decision.Delivery) {
	w.t.Helper()
	must(w.t, w.Bus().Read(w.t.Context(), bus.Trail, 1, []string{"trail.delivery." + decision.MailboxName(mailbox) + ".>"}, func(m *event.Message) error {
		var d decision.Delivery
		out = append(out, d)
		return json.Unmarshal(m.Data, &out[len(out)-1])
	}))
	return out
}

// TestAcknowledgements: what a receiver says of its copies by any JetStream client is
// in the trail when it is confirmed, once, and JetStream hears it then.
func TestAcknowledgements(t *testing.T) {
	w := newWorld(t)
	alpha, beta := w.connect("alpha.app"), w.connect("beta.one")
	w.events(alpha, 0, 4)
	copies := beta.take(4)
	must(t, copies[0].DoubleAck(t.Context()))
	if got := w.deliveries("beta.one"); len(got) != 1 || got[0].Result != decision.Done || got[0].ID != "e0" {
		t.Fatalf("after a confirmed acknowledgement the trail holds %+v", got)
	}
	// said again, it is confirmed again and recorded once
	if _, err := beta.Request(copies[0].Reply(), []byte("+ACK"), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := beta.Request(copies[1].Reply(), []byte("+TERM akte-geschlossen"), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	must(t, copies[2].InProgress())
	must(t, copies[2].Nak())
	again := beta.take(1)[0]
	if meta, err := again.Metadata(); err != nil || meta.NumDelivered != 2 {
		t.Errorf("what was not acknowledged comes again as %+v, %v", meta, err)
	}
	if _, err := beta.Request(again.Reply(), []byte("+TERM free text, not to be kept"), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	must(t, copies[3].Ack()) // unconfirmed, and recorded all the same
	w.w.expect(t, 0, 4)
	got := map[string]string{}
	for _, d := range w.deliveries("beta.one") {
		got[d.ID] += fmt.Sprintf("%s %s %d;", d.Result, d.Code, d.Attempt)
	}
	for id, want := range map[string]string{
		"e0": "done  1;", "e1": "refused akte-geschlossen 1;", "e2": "refused terminated 2;", "e3": "done  1;",
	} {
		if got[id] != want {
			t.Errorf("%s is recorded as %q, want %q", id, got[id], want)
		}
	}
	refused, err := w.Bus().Subjects(t.Context(), bus.Quarantine, "quarantine.beta.one.receiver-refused.>")
	if err != nil || len(refused) != 2 {
		t.Errorf("in quarantine lie %v, %v", refused, err)
	}
	awaitTrue(t, "JetStream to hear what was recorded", func() bool {
		at, err := w.Bus().Mailbox(t.Context(), "beta.one")
		must(t, err)
		return w.pending(beta) == 0 && at.Floor == at.Delivered
	})
}

// TestAcknowledgedOtherwise: of a copy that has ended only what the trail says is
// confirmed, however far back that lies.
func TestAcknowledgedOtherwise(t *testing.T) {
	w := newWorld(t)
	alpha, beta := w.connect("alpha.app"), w.connect("beta.one")
	w.events(alpha, 0, 2)
	copies := beta.take(2)
	say := func(n int, body string) {
		t.Helper()
		_, err := beta.Request(copies[n].Reply(), []byte(body), 5*time.Second)
		must(t, err)
	}
	say(0, "+TERM first")
	say(1, "+ACK")
	// of the shard of each something comes behind it
	for n := range copies {
		d := w.deliveries("beta.one")[n]
		d.Out, d.Mailbox = 1_000_000, "beta.one"
		m, err := trail.Delivery(&d)
		must(t, err)
		_, err = w.Bus().AppendUnguarded(t.Context(), []event.Message{m})
		must(t, err)
	}
	answers, err := beta.SubscribeSync(beta.inbox + ".other.>")
	must(t, err)
	must(t, beta.PublishRequest(copies[0].Reply(), beta.inbox+".other.done", []byte("+ACK")))
	must(t, beta.PublishRequest(copies[1].Reply(), beta.inbox+".other.refused", []byte("+TERM x")))
	if m, err := answers.NextMsg(500 * time.Millisecond); err == nil {
		t.Errorf("%s was confirmed", m.Subject)
	}
	say(0, "+TERM again")
	say(1, "+ACK")
	if got := w.deliveries("beta.one"); len(got) != 4 || got[0].Result != decision.Refused || got[1].Result != decision.Done {
		t.Errorf("the trail holds %+v", got)
	}
}

// TestRefusedWithoutQuarantine: refusals that cannot be kept are not confirmed, and do
// not hold up what is said of other copies.
func TestRefusedWithoutQuarantine(t *testing.T) {
	w := newWorld(t)
	alpha, beta := w.connect("alpha.app"), w.connect("beta.one")
	w.events(alpha, 0, 2)
	copies := beta.take(2)
	must(t, w.Bus().RemoveStream(t.Context(), bus.Quarantine)) // as little use as a full one
	answers, err := beta.SubscribeSync(beta.inbox + ".refused.>")
	must(t, err)
	for i := range 100 {
		must(t, beta.PublishRequest(copies[0].Reply(), fmt.Sprintf("%s.refused.%d", beta.inbox, i), []byte("+TERM x")))
	}
	_, err = beta.Request(copies[1].Reply(), []byte("+ACK"), 10*time.Second)
	must(t, err)
	// nothing was recorded of the other one, and nobody is at it any more
	awaitTrue(t, "the copy to be free", func() bool {
		_, err := beta.Request(copies[0].Reply(), []byte("+ACK"), time.Second)
		return err == nil
	})
	if m, err := answers.NextMsg(10 * time.Millisecond); err == nil {
		t.Errorf("%s was confirmed", m.Subject)
	}
	if got := w.deliveries("beta.one"); len(got) != 2 || got[0].Result != decision.Done || got[1].Result != decision.Done {
		t.Errorf("the trail holds %+v", got)
	}
}

func (w *world) pending(c *client) int {
	w.t.Helper()
	cons, err := c.js().Consumer(w.t.Context(), "OUT", decision.MailboxName(c.name))
	must(w.t, err)
	return cons.CachedInfo().NumAckPending
}

// TestAcknowledgementsOfOthers: of a copy that an application does not hold it can say
// nothing, neither by its own mailbox's subject nor by another's.
func TestAcknowledgementsOfOthers(t *testing.T) {
	w := newWorld(t)
	alpha, beta, other := w.connect("alpha.app"), w.connect("beta.one"), w.connect("beta.two")
	w.events(alpha, 0, 2)
	mine, theirs := beta.take(1)[0], other.take(1)[0]
	meta, err := theirs.Metadata()
	must(t, err)
	unseen := uint64(0) // the second copy of beta.one, which nobody has taken
	for seq := meta.Sequence.Stream; unseen == 0; seq++ {
		m, err := w.Bus().Get(t.Context(), bus.Out, seq)
		must(t, err)
		if own, _ := mine.Metadata(); m != nil && m.Subject == mine.Subject() && seq != own.Sequence.Stream {
			unseen = seq
		}
	}
	answers, err := beta.SubscribeSync(beta.inbox + ".forged.>")
	must(t, err)
	for name, c := range map[string]struct{ subject, body string }{
		"another mailbox's copy":       {fmt.Sprintf("$JS.ACK.OUT.beta_one.1.%d.1.1.0", meta.Sequence.Stream), "+ACK"},
		"a copy that nobody has taken": {fmt.Sprintf("$JS.ACK.OUT.beta_one.1.%d.1.1.0", unseen), "+ACK"},
		"no copy at all":               {"$JS.ACK.OUT.beta_one.1.99999.1.1.0", "+ACK"},
		"a word that is none":          {mine.Reply(), "+MORE"},
		"the next one":                 {mine.Reply(), "+NXT"},
		"another form":                 {"$JS.ACK.OUT.beta_one.x", "+ACK"},
		"another mailbox's subject":    {theirs.Reply(), "+ACK"},
	} {
		must(t, beta.PublishRequest(c.subject, beta.inbox+".forged."+strings.ReplaceAll(name, " ", "-"), []byte(c.body)))
	}
	must(t, mine.DoubleAck(t.Context())) // behind all of them, on the same connection
	if m, err := answers.NextMsg(300 * time.Millisecond); err == nil {
		t.Errorf("%s was answered: %q", m.Subject, m.Data)
	}
	if got := w.deliveries("beta.one"); len(got) != 1 || got[0].ID != "e0" {
		t.Errorf("the trail holds %+v", got)
	}
	if got := w.deliveries("beta.two"); len(got) != 0 {
		t.Errorf("the trail holds %+v of another mailbox", got)
	}
}

// TestDoneIsNotHandedOutAgain: after a restart of the hub copies that are done stay so.
func TestDoneIsNotHandedOutAgain(t *testing.T) {
	w := newWorld(t)
	alpha, beta := w.connect("alpha.app"), w.connect("beta.one")
	w.events(alpha, 0, 3)
	copies := beta.take(3)
	must(t, copies[1].DoubleAck(t.Context()))
	w.restart()
	beta = w.connect("beta.one")
	n, err := w.Bus().PassOn(t.Context(), "beta.one", func(uint64) bool { return true })
	must(t, err)
	if n == 0 {
		t.Error("nothing was in a receiver's hands")
	}
	must(t, beta.FlushTimeout(5*time.Second))
	if _, err := w.Bus().Mailbox(t.Context(), "beta.one"); err != nil { // behind what was passed on
		t.Fatal(err)
	}
	if n := w.pending(beta); n != 0 {
		t.Errorf("%d copies are still in a receiver's hands", n)
	}
}
