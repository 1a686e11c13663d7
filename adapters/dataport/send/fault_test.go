package send_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

// TestDisturbed disturbs each call of the sender in each way: what passes is tried
// again, and in the end there is one submission.
func TestDisturbed(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"token", "routes", "destination", "keys", "announce", "upload", "put", "events"} {
		for _, do := range []fitsim.Effect{"500", "503", "408", fitsim.Drop, fitsim.Lost, fitsim.Garbage, fitsim.Slow, fitsim.Expired} {
			t.Run(on+" "+string(do), func(t *testing.T) {
				t.Parallel()
				s := newService(t)
				s.order(t, fitsim.Order{On: on, Do: do})
				if on == "events" { // it is read when an answer was lost
					s.order(t, fitsim.Order{On: "put", Do: fitsim.Lost})
				}
				d := delivery("id", dog(1))
				for attempt := range 4 {
					d.Attempt = attempt + 1
					err := s.sink(t, "").Deliver(t.Context(), d)
					if err == nil {
						break
					}
					if hub.FaultOf(err).Permanent {
						t.Fatalf("a permanent fault: %v", err)
					}
				}
				if err := deliver(t, s.sink(t, ""), d, 1); err != nil {
					t.Fatal(err)
				}
				if _, data, _ := s.received(t, s.only(t, receiver), keys()[0]); !strings.Contains(data, "Rex") {
					t.Error("the receiver does not have it")
				}
			})
		}
	}
}

// TestRefused: what the service refuses for good goes to quarantine, and begins anew
// when a person releases it.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ on, do, code string }{
		{"routes", "400", "fit-refused"},
		{"destination", "404", "fit-no-destination"},
		{"keys", "404", "fit-key"},
		{"announce", "422", "fit-refused"},
		{"announce", "404", "fit-not-found"},
		{"upload", "422", "fit-refused"},
		{"put", "422", "fit-refused"},
	} {
		t.Run(c.on+" "+c.do, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.order(t, fitsim.Order{On: c.on, Do: fitsim.Effect(c.do)})
			d := delivery("id", dog(1))
			f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d))
			if f == nil || !f.Permanent || f.Code != c.code {
				t.Fatalf("got %v, want a permanent %s", f, c.code)
			}
			if err := deliver(t, s.sink(t, ""), d, 1); err != nil {
				t.Fatal(err)
			}
			s.only(t, receiver)
		})
	}
}

// TestForgotten: the service deletes after a day what was begun and not completed;
// the sender then begins anew.
func TestForgotten(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"upload", "put"} {
		s := newService(t)
		s.order(t, fitsim.Order{On: on, Do: "500"})
		d := delivery("id", dog(1))
		if err := s.sink(t, "").Deliver(t.Context(), d); err == nil || s.Begun() != 1 {
			t.Fatal(err, s.Begun())
		}
		s.Forget()
		if on == "put" { // the try may have arrived: that it did not, the log says for certain after a day
			if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d)); f == nil || f.Permanent || f.Code != "fit-unclear" {
				t.Fatal(f)
			}
			s.age(t, "id")
		}
		if err := deliver(t, s.sink(t, ""), d, 2); err != nil {
			t.Fatal(err)
		}
		s.only(t, receiver)
	}
}

// TestLateLog: the service has a submission, its answer was lost, and its event log
// does not say so yet. That it then refuses a second completion makes no second
// submission.
func TestLateLog(t *testing.T) {
	t.Parallel()
	s, d := newService(t), delivery("id", dog(1))
	s.order(t, fitsim.Order{On: "put", Do: fitsim.Lost})
	if s.sink(t, "").Deliver(t.Context(), d) == nil {
		t.Fatal("Deliver has not failed")
	}
	s.answering("/events", func(body map[string]any) { body["eventLog"] = []any{} })
	for range 3 {
		if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d)); f == nil || f.Permanent || f.Code != "fit-unclear" {
			t.Fatal(f)
		}
	}
	s.wrap(nil)
	if err := deliver(t, s.sink(t, ""), d, 1); err != nil {
		t.Fatal(err)
	}
	s.only(t, receiver)
}

// TestLogin: a client that is not let in is no event's fault.
func TestLogin(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.write(t, "client", []byte("falsch"))
	f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), delivery("id", dog(1))))
	if f == nil || f.Permanent || !f.Later || f.After <= 0 {
		t.Errorf("%+v", f)
	}
}

// TestBusy: the service says how long it wants us to wait.
func TestBusy(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.order(t, fitsim.Order{On: "put", Do: fitsim.Slow})
	f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), delivery("id", dog(1))))
	if f == nil || !f.Later || f.After.Seconds() != 1 {
		t.Errorf("%+v", f)
	}
}

// TestRejected: the receiver's words come as an event of the case, with the receipt.
func TestRejected(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	if err := deliver(t, s.sink(t, ""), delivery("id", dog(1)), 1); err != nil {
		t.Fatal(err)
	}
	id := s.only(t, receiver)
	if err := s.Receiver(id, fit.ForwardSubmission, nil, keys()[1]); err != nil {
		t.Fatal(err)
	}
	if err := s.Receiver(id, fit.RejectSubmission, []fit.Problem{
		{Type: fit.ProblemPrefix + fit.SchemaViolation, Title: "Schema", Detail: "Das Feld\x00name fehlt", Instance: "data"},
		{Type: fit.ProblemPrefix + "other", Title: "Und noch etwas"},
	}, keys()[1]); err != nil {
		t.Fatal(err)
	}
	until(t, s.follow(t, ""), in, func() bool { return len(in.Events()) == 5 })
	e := in.Events()[4]
	if fmt.Sprint(types(in.Events())) != "[stand-gemeldet stand-gemeldet stand-gemeldet stand-gemeldet gescheitert]" ||
		field(e, "grund", "code") != fit.SchemaViolation || field(e, "grund", "text") != "Schema; Das Feld name fehlt; Und noch etwas" ||
		field(e, "endgueltig") != "true" || field(e, "nachricht", "id") != id || field(in.Events()[3], "stand") != "weitergeleitet" {
		t.Error(types(in.Events()), string(e.Data()))
	}
	if x := e.Extensions(); x["correlationid"] != "vorgang-hund-1" || x["causationid"] != "hund-1" || x["ags"] != "09162000" || e.Subject() != "v-hund-1" {
		t.Error(e)
	}
	valid(t, in.Events())
}

// TestSwapped: the service says that something else was submitted, and the receiver
// accepts that.
func TestSwapped(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	s.order(t, fitsim.Order{On: "put", Do: fitsim.OtherTags})
	if err := deliver(t, s.sink(t, ""), delivery("id", dog(1)), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Receiver(s.only(t, receiver), fit.AcceptSubmission, nil, keys()[1]); err != nil {
		t.Fatal(err)
	}
	until(t, s.follow(t, ""), in, func() bool { return len(in.Events()) == 4 })
	all := in.Events()
	if fmt.Sprint(types(all)) != "[stand-gemeldet gescheitert stand-gemeldet gescheitert]" || field(all[1], "endgueltig") != "false" ||
		field(all[3], "endgueltig") != "true" || field(all[3], "grund", "code") != fit.IncorrectTag {
		t.Error(types(all), string(all[3].Data()))
	}
	valid(t, all)
}

// TestChangedAttachment: what the hub gives is not what the event says.
func TestChangedAttachment(t *testing.T) {
	t.Parallel()
	s := newService(t)
	d := delivery("id", dog(1))
	b, _ := stored()
	b["blob:foto_png"] = []byte("etwas anderes")
	d.Blobs = b
	if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d)); f == nil || !f.Permanent || f.Code != "fit-attachment" {
		t.Error(f)
	}
	delete(b, "blob:foto_png")
	if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d)); f == nil || !f.Permanent || f.Code != "blob-missing" {
		t.Error(f)
	}
	if s.Begun() != 0 || len(s.Waiting(receiver)) != 0 {
		t.Error("the service has heard of it")
	}
}

// TestTooLarge: limits hold before the service hears of it.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	for _, further := range []string{", max-daten: 5", ", max-anlage: 5", ", max-gesamt: 20"} {
		s := newService(t)
		if f := hub.FaultOf(s.sink(t, further).Deliver(t.Context(), delivery("id", dog(1)))); f == nil || !f.Permanent || f.Code != "too-large" {
			t.Error(further, f)
		}
	}
}
