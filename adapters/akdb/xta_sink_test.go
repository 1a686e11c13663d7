package akdb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/hub"
)

func delivery(t *testing.T, n int) hub.Delivery {
	t.Helper()
	return hub.Delivery{ID: fmt.Sprint("d", n), Attempt: 1, Event: event(t, n, xmeld.TypeEingegangen, applicationData())}
}

// patience is short where the server never answers.
func patience(do xtasim.Effect) string {
	if do == xtasim.Timeout {
		return ", timeout: 50ms"
	}
	return ""
}

// TestXTARetries sends until it succeeds, each time as after a restart: under one
// message id, with one nachrichtenUUID and the same bytes, once.
func TestXTARetries(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"createMessageId", "sendMessage", "getTransportReport"} {
		for _, do := range []xtasim.Effect{"9030", xtasim.Timeout, xtasim.Drop, xtasim.Lost, xtasim.Unavailable, xtasim.Garbage} {
			t.Run(fmt.Sprint(on, " ", do), func(t *testing.T) {
				b := newBroker(t, xtasim.Options{})
				b.Order(xtasim.Order{On: on, Do: do, Times: 2})
				tries := 0
				for err := errors.New("not tried"); err != nil; tries++ {
					if err = b.sink(t, patience(do)+", religion: r"+fmt.Sprint(tries)).Deliver(t.Context(), delivery(t, 1)); err == nil {
						break
					}
					if f := hub.FaultOf(err); f.Permanent || f.Later {
						t.Fatal(err)
					}
				}
				sent := b.Sent()
				if len(sent) != 1 || !strings.Contains(string(sent[0].Message.Bytes), uuidOf(1)) {
					t.Fatal(len(sent), b.Calls("sendMessage"))
				}
				if do == xtasim.Timeout {
					return // a slow machine adds timeouts of its own
				}
				if b.Calls("sendMessage") > 3 {
					t.Error(b.Calls("sendMessage"), "times sent")
				}
				if on != "createMessageId" && b.Calls("createMessageId") != 1 {
					t.Error(b.Calls("createMessageId"), "message ids were made for one event")
				}
				if on != "createMessageId" && !strings.Contains(string(sent[0].Message.Bytes), "<code>r0</code>") {
					t.Error("another try sent other bytes")
				}
			})
		}
	}
}

// TestXTARefusals: what no try can mend goes to quarantine, and begins anew when a
// person releases it.
func TestXTARefusals(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"9020", "9021", "9022", "9023", "9050", "9051", "9052", "9060", "9080", "9081"} {
		b := newBroker(t, xtasim.Options{})
		b.Order(xtasim.Order{On: "sendMessage", Do: xtasim.Effect(code)})
		s := b.sink(t, "")
		if f := hub.FaultOf(s.Deliver(t.Context(), delivery(t, 1))); f == nil || !f.Permanent || f.Code != "xta-"+code {
			t.Error(code, f)
		}
		if err := s.Deliver(t.Context(), delivery(t, 1)); err != nil || len(b.Sent()) != 1 {
			t.Error("released again:", err)
		}
	}
}

// TestXTARefusedSender: 901x stops, without an event to blame.
func TestXTARefusedSender(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"createMessageId", "sendMessage", "getTransportReport"} {
		b := newBroker(t, xtasim.Options{})
		b.Order(xtasim.Order{On: on, Do: "9014"})
		s := b.sink(t, "")
		for range 3 {
			if f := hub.FaultOf(s.Deliver(t.Context(), delivery(t, 1))); f == nil || f.Permanent || !f.Later || f.After < time.Minute {
				t.Error(f)
			}
		}
		if b.Calls(on) != 1 {
			t.Error(b.Calls(on), "calls after the refusal")
		}
		if err := b.sink(t, "").Deliver(t.Context(), delivery(t, 1)); err != nil || len(b.Sent()) != 1 { // after a restart
			t.Error(err)
		}
	}
}

// TestXTAReport follows the transport to its end.
func TestXTAReport(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	s := b.sink(t, ", report: {every: 1ms}")
	b.Order(xtasim.Order{On: "getTransportReport", Do: xtasim.StaysOpen}, xtasim.Order{On: "getTransportReport", Do: "9070"},
		xtasim.Order{On: "getTransportReport", Do: xtasim.Yellow})
	for range 2 {
		if f := hub.FaultOf(s.Deliver(t.Context(), delivery(t, 1))); f == nil || !f.Later || f.Code != "xta-open" || f.After != time.Millisecond {
			t.Error(f)
		}
	}
	if err := s.Deliver(t.Context(), delivery(t, 1)); err != nil {
		t.Error(err)
	}
	b.Order(xtasim.Order{On: "getTransportReport", Do: xtasim.Red})
	if f := hub.FaultOf(s.Deliver(t.Context(), delivery(t, 2))); f == nil || !f.Permanent || f.Code != "xta-red" {
		t.Error(f)
	}
	b.Order(xtasim.Order{On: "getTransportReport", Do: xtasim.StaysOpen, Times: -1})
	if err := b.sink(t, ", report: {within: 0s}").Deliver(t.Context(), delivery(t, 3)); err != nil {
		t.Error("without waiting for a report:", err)
	}
	short := b.sink(t, ", report: {within: 1ns}")
	if err := short.Deliver(t.Context(), delivery(t, 4)); err != nil {
		t.Error("after the time for the report:", err)
	}
	if len(b.Sent()) != 4 {
		t.Error(len(b.Sent()))
	}
}

// TestXTAMetaData looks at what the server is told of a message.
func TestXTAMetaData(t *testing.T) {
	t.Parallel()
	var pack xtasim.Letter
	b := newBroker(t, xtasim.Options{})
	e := event(t, 1, xmeld.TypeEingegangen, applicationData())
	e.SetExtension("xoevtest", "true")
	d := hub.Delivery{ID: "d", Event: e}
	if err := b.sink(t, ", service-quality: q, type-code: name").Deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	pack = b.Sent()[0]
	m := pack.Meta()
	if !m.Test || m.Author.Kennung != portalKey || m.Author.Name != "Probe" || m.Reader.Kennung != registerKey || m.Service != "urn:dienst" ||
		m.Type.ListURI != "urn:de:xmeld:schluesseltabelle:xmeld.nachrichten" || m.Type.ListVersion != "25.11a" ||
		m.Type.Code != "onlinedienste.anmeldung.meldeschein.1704" || m.PayloadSchema != "http://www.osci.de/xmeld2511a" ||
		m.Delivery.ServiceQuality != "q" || m.Size != int64(len(pack.Message.Bytes)) || pack.Message.Filename != "onlinedienste.anmeldung.meldeschein.1704.xml" {
		t.Errorf("%+v %+v", m, pack.Message.Filename)
	}
	// an author who is not the account would have the account stopped
	other, err := akdb.XTA().Sink(adaptertest.Env(b.dir), b.settings(registerKey, ""))
	if err != nil {
		t.Fatal(err)
	}
	d.ID = "e"
	if f := hub.FaultOf(other.Deliver(t.Context(), d)); f == nil || !f.Permanent || b.Calls("createMessageId") != 1 {
		t.Error(f)
	}
}

// TestXTALookup asks first, where it is so set.
func TestXTALookup(t *testing.T) {
	t.Parallel()
	for reader, code := range map[string]string{registerKey: "", "ags:09999999": "xta-no-service"} {
		b := newBroker(t, xtasim.Options{Accounts: map[string]xtasim.Account{portalKey: {}, reader: {}}})
		b.Order(xtasim.Order{On: "lookupService", Do: "9031"})
		s := b.sink(t, ", lookup: true")
		if f := hub.FaultOf(s.Deliver(t.Context(), delivery(t, 1))); f == nil || f.Code != "xta-9031" || f.Permanent {
			t.Error(f)
		}
		err := s.Deliver(t.Context(), delivery(t, 1))
		if f := hub.FaultOf(err); (f == nil) != (code == "") || f != nil && (f.Code != code || !f.Permanent) {
			t.Error(reader, f)
		}
		if sent := len(b.Sent()); sent != 1 && code == "" || sent != 0 && code != "" {
			t.Error(sent, "sent")
		}
	}
}
