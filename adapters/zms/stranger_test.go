package zms_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// ZMS has given the number to somebody else since the last poll: an order for the one
// who had it touches nobody.
func TestNumberGivenAnew(t *testing.T) {
	begin := tomorrow()
	const made, notMade = `"createTimestamp":1727990000`, `"createTimestamp":0`
	later := fmt.Sprintf(`"appointments":[{"date":%d,"scope":{"id":"58"},"slotCount":1}]`, begin+600)
	for _, c := range []struct{ name, before, since, order, want, answer string }{
		{"cancel", notNew, made, "absage-beantragt", "confirmed", "termin-unbekannt"},
		{"book", notNew, made + `,"status":"reserved"`, "buchung-beantragt", "reserved", "termin-unbekannt"},
		{"another time", notMade, later, "absage-beantragt", "confirmed", "termin-unbekannt"},
		{"the same", notMade, notMade, "absage-beantragt", "deleted", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, 0)
			s.put(t, process(1, "confirmed", 1, begin))
			s.put(t, []byte(`{"id":"100001",`+c.before+`}`))
			stop := s.running(t, s.in, nil)
			told(t, s.in, "gebucht")
			stop()
			s.put(t, []byte(`{"id":"100001",`+c.since+`}`))
			s.do(2, c.order, s.in.Events()[0].Subject())
			if got := s.status(); len(got) != 1 || got[0] != c.want {
				t.Fatalf("ZMS has %v, want %s", got, c.want)
			}
			if c.answer != "" {
				s.refused(strings.TrimSuffix(strings.Replace(c.order, "-beantragt", "", 1), "-"), c.answer)
			}
		})
	}
}

const notNew = `"lastChange":1`

// A page of a proxy is no word of ZMS: the order is tried again, and not refused.
func TestForeignPages(t *testing.T) {
	s := newStage(t, 1)
	id := s.reserved()
	for _, c := range []struct{ what, path string }{
		{"absage-beantragt", "/externaluserid/"}, {"absage-beantragt", s.number()}, {"buchung-beantragt", "/confirmed/"}, {"erforderlich", "/status/free/"},
	} {
		for _, status := range []string{"400", "404", "405", "406", "411", "413", "451"} {
			before := 0
			if c.path == s.number() {
				before = 1 // it is read before it is deleted
			}
			if status == "404" && c.path == s.number() {
				continue // covered by the reading
			}
			s.office.order(t, fmt.Sprintf(`{"art":"%s","pfad":"%s","vorher":%d}`, status, c.path, before))
			if err := s.sink.Deliver(t.Context(), s.order(3, c.what, id)); err == nil || hub.FaultOf(err).Permanent {
				t.Errorf("%s, %s: %v", c.what, status, err)
			}
		}
	}
	if got := s.status(); len(got) != 1 || got[0] != "reserved" {
		t.Error(got)
	}
}

// The recorded answers to a booking have no lastChange: the moment of the order counts,
// not that of the reservation.
func TestMomentOfAnOrder(t *testing.T) {
	s := newStage(t, 0)
	const id = "4c5d6e7f-8091-4a2b-9c3d-4e5f60710902"
	s.put(t, process(1, "reserved", 1727855000, tomorrow()))
	s.put(t, []byte(`{"id":"100001","externalUserId":"amtsbote-`+id+`"}`))
	s.office.order(t, `{"art":"500","mal":1000000,"pfad":"/scope/"}`) // only the answers can tell
	first := time.Now().Unix()
	s.do(1, "buchung-beantragt", id)
	stop := s.running(t, s.in, nil)
	told(t, s.in, "gebucht")
	stop()
	s.do(2, "absage-beantragt", id)
	s.running(t, s.in, nil)
	told(t, s.in, "gebucht", "abgesagt")
	for _, e := range s.in.Events() {
		if at := e.Time().Unix(); at < first || at > time.Now().Unix() {
			t.Errorf("%s at %s", e.Type(), e.Time())
		}
	}
	if strings.Contains(s.journal(t), "beauftragt") {
		t.Error("the moment is kept for later changes")
	}
}

// No answer comes to a call, one after another, until the hub gives up: it tries again,
// and nothing is done twice.
func TestNoAnswer(t *testing.T) {
	for call := range 4 {
		s := newStage(t, 3)
		s.office.order(t, fmt.Sprintf(`{"art":"frist","vorher":%d}`, call))
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error, 1)
		sink, d := s.sink, s.order(1, "erforderlich", "")
		go func() { end <- sink.Deliver(ctx, d) }()
		until(t, "the call is there", func() bool { return s.sim.Calls() > call })
		cancel()
		if err := <-end; err == nil || hub.FaultOf(err).Permanent {
			t.Fatalf("call %d: %v", call, err)
		}
		s.again()
		s.do(1, "erforderlich", "")
		if got := s.status(); len(got) != 1 {
			t.Errorf("call %d: ZMS has %v", call, got)
		}
	}
}
