package eakte_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/eakte"
	"github.com/amtsbote/amtsbote/hub"
)

// The event for which a procedure was made goes to quarantine: the next of the case
// tells of the procedure, and the one after does not.
func TestProcedureToldByWhoComesNext(t *testing.T) {
	o, in := newOffice(t), adaptertest.NewIntake()
	sink := o.newSink(t)
	broken := delivery(1, filed(1, "a", "x"))
	broken.Blobs = blobs{}
	if err := sink.Deliver(t.Context(), broken); err == nil || !hub.FaultOf(err).Permanent {
		t.Fatal(err)
	}
	deliver(t, sink, delivery(2, filed(2, "a", "x")))
	deliver(t, o.newSink(t), delivery(3, filed(3, "a", "x")))
	kinds := map[string]int{}
	for _, e := range o.answers(t, in, 3) {
		kinds[e.Type()]++
	}
	if kinds[eakte.TypeVorgang] != 1 || kinds[eakte.TypeDokument] != 2 {
		t.Error(kinds)
	}
}

// Told again after the folder was lost, it is the same event, which the hub knows for a
// repetition.
func TestProcedureToldOnce(t *testing.T) {
	o := newOffice(t)
	deliver(t, o.newSink(t), delivery(1, filed(1, "a", "x")))
	if err := os.RemoveAll(filepath.Join(o.dir, "eakte", "stand")); err != nil {
		t.Fatal(err)
	}
	deliver(t, o.newSink(t), delivery(2, filed(2, "a", "x")))
	ids := map[string]int{}
	for _, name := range o.lying(t) {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var all []hub.Event
		if err := json.Unmarshal(raw, &all); err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if e.Type() == eakte.TypeVorgang {
				ids[e.ID()]++
			}
		}
	}
	if len(ids) != 1 || ids[firstKey(ids)] != 2 {
		t.Error(ids)
	}
}

func firstKey(m map[string]int) string {
	for key := range m {
		return key
	}
	return ""
}

// Two systems number their matters alike: without a case of the hub they are two.
func TestMattersOfTwoSources(t *testing.T) {
	o := newOffice(t)
	sink := o.newSink(t)
	for n, source := range []string{"urn:de:ags:09162000:system:digiwf", "urn:de:ags:09162000:system:kasse", "urn:de:ags:09162000:system:kasse"} {
		e := filed(n, "a", "x")
		e.SetSource(source)
		e.SetExtension("correlationid", nil)
		deliver(t, sink, delivery(n, e))
	}
	if got := o.state(); got != "1 2 3 9" {
		t.Error(got)
	}
}

// Somebody has deleted the procedure in the E-Akte: it is made anew, and told.
func TestProcedureDeleted(t *testing.T) {
	o, in := newOffice(t), adaptertest.NewIntake()
	sink := o.newSink(t)
	deliver(t, sink, delivery(1, filed(1, "a", "x")))
	o.sim.Remove(o.sim.Objects("procedures")[0].COO)
	d := delivery(2, filed(2, "a", "x"))
	if err := sink.Deliver(t.Context(), d); err == nil || hub.FaultOf(err).Permanent || hub.FaultOf(err).Code != "vorgang-weg" {
		t.Fatal(err)
	}
	deliver(t, sink, d)
	if got := o.state(); got != "1 1 2 6" {
		t.Error(got)
	}
	o.answers(t, in, 4)
}
