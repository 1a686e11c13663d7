package zms_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// stage is an office with its sink, source and mailbox.
type stage struct {
	*office
	t    *testing.T
	sink hub.Sink
	in   *adaptertest.Intake
}

func newStage(t *testing.T, slots int) *stage {
	t.Helper()
	s := &stage{office: newOffice(t), t: t, in: adaptertest.NewIntake()}
	s.offer(slots)
	s.again()
	return s
}

// again makes the sink anew, as after a crash.
func (s *stage) again() {
	s.t.Helper()
	var err error
	if s.sink, err = s.office.sink(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) do(n int, what, id string) { s.deliver(s.t, s.sink, s.order(n, what, id)) }

func (s *stage) order(n int, what, id string) hub.Delivery {
	if what == "erforderlich" {
		return delivery(n, needed(n))
	}
	return delivery(n, ordered(n, what, fmt.Sprintf(`{"antrag":{"id":"antrag-1"},"termin":{"id":"%s"}}`, id)))
}

// reserved gives the id of an appointment that was reserved for order 1.
func (s *stage) reserved() string {
	s.t.Helper()
	s.do(1, "erforderlich", "")
	stop := s.running(s.t, s.in, nil)
	told(s.t, s.in, "reserviert")
	s.rounds(s.t, 2) // the source remembers it once it is told
	stop()
	return s.in.Events()[0].Subject()
}

func (s *stage) status() (all []string) {
	for _, p := range s.sim.Processes() {
		all = append(all, fmt.Sprint(p["status"]))
	}
	return all
}

// Reserved, booked, cancelled by event (POST /process/status/reserved/, /confirmed/,
// DELETE /process/{id}/ of zmsbackend-swagger.json): each is told once, with the case
// that it belongs to, whether the sink or the poll was first.
func TestOrders(t *testing.T) {
	for name, polls := range map[string]bool{"the sink first": false, "the poll first": true} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, 3)
			id := s.reserved()
			s.step(2, "buchung-beantragt", id, polls, "reserviert", "gebucht")
			s.step(3, "absage-beantragt", id, polls, "reserviert", "gebucht", "abgesagt")
			for _, e := range s.in.Events() {
				var data struct{ Antrag, Termin struct{ ID string } }
				if err := json.Unmarshal(e.Data(), &data); err != nil {
					t.Fatal(err)
				}
				if e.Subject() != id || data.Termin.ID != id || data.Antrag.ID != "antrag-1" || e.Extensions()["correlationid"] != "fall-1" {
					t.Errorf("%s", e)
				}
			}
			if cause := s.in.Events()[0].Extensions()["causationid"]; cause != needed(1).ID() {
				t.Error("the answer does not say to what: ", cause)
			}
			s.discreet(t, s.in)
		})
	}
}

// step gives an order and waits for what is told then; the poll may see it first.
func (s *stage) step(n int, what, id string, polls bool, want ...string) {
	s.t.Helper()
	if polls { // ZMS has done it, but the answer is lost; the poll sees it
		fault := `{"art":"verloren","pfad":"/confirmed/"}`
		if what == "absage-beantragt" { // the process is read before it is deleted
			fault = `{"art":"verloren","vorher":1,"pfad":"` + s.number() + `"}`
		}
		s.office.order(s.t, fault)
		if err := s.sink.Deliver(s.t.Context(), s.order(n, what, id)); err == nil {
			s.t.Error("the answer was not lost")
		}
		stop := s.running(s.t, s.in, nil)
		told(s.t, s.in, want...)
		stop()
		s.again()
	}
	s.do(n, what, id)
	s.do(n, what, id)
	stop := s.running(s.t, s.in, nil)
	told(s.t, s.in, want...)
	s.rounds(s.t, 3)
	stop()
	told(s.t, s.in, want...)
}

func (s *stage) number() string { return fmt.Sprintf("/process/%v/", s.sim.Processes()[0]["id"]) }

// At every call of every order: the answer is lost after ZMS did it, or there is none,
// or it is another. Then the adapter starts anew, and the order is carried out once.
func TestCrashAtEachCall(t *testing.T) {
	for what, arts := range map[string][]string{
		"erforderlich":      {"verloren", "503", "typen"},
		"buchung-beantragt": {"verloren", "429"},
		"absage-beantragt":  {"verloren", "abgeschnitten"},
	} {
		for _, art := range arts {
			t.Run(what+" "+art, func(t *testing.T) {
				for call := 0; crashAt(t, what, art, call); call++ {
					if call > 10 {
						t.Fatal("more calls than expected")
					}
				}
			})
		}
	}
}

// crashAt lets a fault befall one call of an order; false when it has fewer calls.
func crashAt(t *testing.T, what, art string, call int) bool {
	t.Helper()
	s := newStage(t, 3)
	id := ""
	if what != "erforderlich" {
		id = s.reserved()
	}
	s.again()
	s.office.order(t, fmt.Sprintf(`{"art":"%s","nach":1,"vorher":%d}`, art, call))
	err := s.sink.Deliver(t.Context(), s.order(7, what, id))
	if err == nil {
		return false
	}
	if f := hub.FaultOf(err); f.Permanent {
		t.Errorf("call %d: a fault that passes is taken for permanent: %v", call, err)
	} else if art == "429" && (!f.Later || f.After == 0) {
		t.Errorf("call %d: Retry-After is not minded: %+v", call, f)
	}
	s.again()
	s.do(7, what, id)
	want := map[string]string{"erforderlich": "reserved", "buchung-beantragt": "confirmed", "absage-beantragt": "deleted"}[what]
	if got := strings.Join(s.status(), " "); got != want {
		t.Errorf("call %d: ZMS has %q, want one %s", call, got, want)
	}
	answer := map[string][]string{"erforderlich": {"reserviert"}, "buchung-beantragt": {"reserviert", "gebucht"}, "absage-beantragt": {"reserviert", "abgesagt"}}[what]
	stop := s.running(t, s.in, nil)
	told(t, s.in, answer...)
	stop()
	return true
}

// What ZMS refuses is answered, not tried for ever.
func TestRefusedOrders(t *testing.T) {
	const nobody = "4c5d6e7f-8091-4a2b-9c3d-4e5f60710902"
	t.Run("none free", func(t *testing.T) {
		s := newStage(t, 0)
		s.do(1, "erforderlich", "")
		s.refused("reservierung", "kein-termin-frei")
	})
	t.Run("unknown", func(t *testing.T) {
		s := newStage(t, 0)
		s.do(1, "buchung-beantragt", nobody)
		s.refused("buchung", "termin-unbekannt")
	})
	t.Run("unknown to cancel", func(t *testing.T) {
		s := newStage(t, 0)
		s.do(1, "absage-beantragt", nobody)
		s.refused("absage", "termin-unbekannt")
	})
	t.Run("expired", func(t *testing.T) {
		s := newStage(t, 1)
		id := s.reserved()
		s.put(t, fmt.Appendf(nil, `{"id":"%v","status":"deleted"}`, s.sim.Processes()[0]["id"]))
		s.do(2, "buchung-beantragt", id)
		s.refused("buchung", "reservierung-abgelaufen")
	})
	t.Run("served already", func(t *testing.T) {
		s := newStage(t, 1)
		id := s.reserved()
		s.put(t, fmt.Appendf(nil, `{"id":"%v","status":"finished"}`, s.sim.Processes()[0]["id"]))
		s.do(2, "absage-beantragt", id)
		s.refused("absage", "nicht-absagbar")
	})
}

func (s *stage) refused(order, why string) {
	s.t.Helper()
	stop := s.running(s.t, s.in, nil)
	until(s.t, "the refusal is told", func() bool {
		for _, e := range s.in.Events() {
			if e.Type() == "de.termin.auftrag-abgelehnt.v1" {
				return true
			}
		}
		return false
	})
	stop()
	types(s.t, s.in)
	for _, e := range s.in.Events() {
		data := string(e.Data())
		if e.Type() == "de.termin.auftrag-abgelehnt.v1" && (!strings.Contains(data, `"auftrag":"`+order+`"`) || !strings.Contains(data, `"grund":"`+why+`"`)) {
			s.t.Errorf("%s, want %s", data, why)
		}
	}
}

// A booking of a citizen, which the poll has told, can be cancelled by event.
func TestCancelWhatWasPolled(t *testing.T) {
	s := newStage(t, 0)
	s.put(t, process(1, "confirmed", 1, tomorrow()))
	stop := s.running(t, s.in, nil)
	told(t, s.in, "gebucht")
	s.do(2, "absage-beantragt", s.in.Events()[0].Subject())
	told(t, s.in, "gebucht", "abgesagt")
	stop()
}

// A session ends when ZMS restarts, or when somebody logs in with the account.
func TestSessionEnds(t *testing.T) {
	s := newStage(t, 2)
	s.do(1, "erforderlich", "")
	s.sim.Forget()
	s.do(2, "erforderlich", "")
	if got := s.status(); len(got) != 2 {
		t.Error(got)
	}
	s.sim.Password = "another"
	s.sim.Forget()
	err := s.sink.Deliver(t.Context(), delivery(3, needed(3)))
	if f := hub.FaultOf(err); err == nil || f.Permanent || f.Code != "nicht-angemeldet" || !strings.Contains(err.Error(), "konto") {
		t.Error(err)
	}
}
