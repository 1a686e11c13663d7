package zms

import (
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// EventID is that of an event about what raw says, which is booked for the nth time.
func EventID(key, what string, raw []byte, bookings int) string {
	o, err := ReadProcess(raw)
	if err != nil {
		panic(err)
	}
	return secret(key).eventID(fact{what: what, of: entry{Observation: o, Bookings: bookings}})
}

// At makes a source's clock.
func At(s hub.Source, now func() time.Time) hub.Source {
	src, ok := s.(*source)
	if !ok {
		panic("no source of this kind")
	}
	src.now = now
	return s
}

// Booked tells what follows of one status after another, in words.
func Follow(steps ...Observation) (all []string) {
	var old *entry
	for _, o := range steps {
		next, facts := follow(old, o, entry{Observation: o, ID: "t"}, false, 1000)
		for _, f := range facts {
			all = append(all, f.what)
		}
		old = &next
	}
	return all
}

// ReadReply reads what the sink left.
func ReadReply(raw []byte) error { _, err := readReply(raw); return err }

// ReadOrder reads a delivery.
func ReadOrder(d hub.Delivery) error { _, err := readOrder(d); return err }

// ReadSlots reads an answer with free appointments, and tells how many there are.
func ReadSlots(raw []byte) (int, error) {
	e, err := readEnvelope(raw)
	if err != nil {
		return 0, err
	}
	all, err := readSlots(e.Data)
	return len(all), err
}

// ReadOne reads an answer with one process.
func ReadOne(raw []byte) (Observation, error) {
	e, err := readEnvelope(raw)
	if err != nil {
		return Observation{}, err
	}
	o, _, err := e.process()
	if err != nil {
		return Observation{}, err
	}
	return *o, nil
}
