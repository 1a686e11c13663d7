package zms_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/zms"
	"github.com/amtsbote/amtsbote/hub"
)

func refuseAll(context.Context, int, hub.Event, func() error) error {
	return hub.Permanent("nicht-vereinbart", "publish: no agreement")
}

func (o *office) refusedEvents(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(o.dir, "zms", "abgelegt", "*.ereignis.fehler.json"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// What the hub refuses for good is set aside whole, and the log says so once.
func TestRefusedEvents(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	in.Follow(refuseAll)
	o.put(t, process(1, "confirmed", 1, begin))
	o.put(t, process(2, "confirmed", 1, begin+60))
	stop := o.running(t, in, nil)
	until(t, "both are set aside", func() bool { return len(o.refusedEvents(t)) == 2 })
	stop()
	for _, name := range o.refusedEvents(t) {
		raw, err := os.ReadFile(name)
		info, err2 := os.Stat(name)
		if err != nil || err2 != nil || info.Mode().Perm() != 0o600 {
			t.Fatal(err, err2, info.Mode())
		}
		for _, part := range []string{`"code":"nicht-vereinbart"`, `"ereignis":{`, `"type":"de.termin.gebucht.v1"`, `"dienststelle":"10546"`} {
			if !strings.Contains(string(raw), part) {
				t.Errorf("%s is missing in %s", part, raw)
			}
		}
	}
	if n := o.logs.FilterMessage("zms: something is set aside").Len(); n != 1 {
		t.Errorf("the log says so %d times", n)
	}
	o.discreet(t, in)
}

// The folder is full: the event stays in the journal, and is told when the hub takes it.
func TestRefusedEventsWithoutRoom(t *testing.T) {
	o, in := newOffice(t), adaptertest.NewIntake()
	dir := filepath.Join(o.dir, "zms", "abgelegt")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	for n := range 1000 {
		o.write(t, fmt.Sprintf("zms/abgelegt/%d.ereignis.fehler.json", n), "{}")
	}
	in.Follow(refuseAll)
	o.put(t, process(1, "confirmed", 1, tomorrow()))
	stop := o.running(t, in, nil)
	until(t, "two rounds fail", func() bool { return o.logs.FilterMessage("zms: not everything could be asked").Len() >= 2 })
	stop()
	if n := len(o.refusedEvents(t)); n != 1000 {
		t.Error(n)
	}
	in.Follow(nil)
	o.running(t, in, nil)
	told(t, in, "gebucht")
}

// A list by status still has what is past: nothing is told of it, round after round.
func TestPastInListsByStatus(t *testing.T) {
	o, in := newOffice(t), adaptertest.NewIntake()
	o.more = ", status: [finished]"
	o.put(t, process(1, "finished", 1, time.Now().Add(-5*24*time.Hour).Unix()))
	o.put(t, process(2, "confirmed", 1, tomorrow()))
	stop := o.running(t, in, nil)
	o.rounds(t, 5)
	told(t, in, "gebucht")
	stop()
	if strings.Contains(o.journal(t), "100001") {
		t.Error("what is past is remembered")
	}
}

// One process that cannot be asked for does not keep the others from being forgotten.
func TestForgetsAllTheSame(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	o.put(t, process(1, "confirmed", 1, begin))
	o.put(t, process(2, "confirmed", 1, time.Now().Unix()+60))
	var clock atomic.Int64
	clock.Store(time.Now().Unix())
	o.running(t, in, func() time.Time { return time.Unix(clock.Load(), 0) })
	told(t, in, "gebucht", "gebucht")
	o.order(t, `{"art":"500","mal":1000000,"pfad":"/process/100001/"}`)
	if err := o.sim.Remove("100001"); err != nil {
		t.Fatal(err)
	}
	until(t, "it cannot be asked for", func() bool { return o.logs.FilterMessage("zms: not everything could be asked").Len() > 0 })
	clock.Store(begin - 1)
	until(t, "the other is forgotten", func() bool { return strings.Contains(o.journal(t), `"weg":["100002"]`) })
	if !strings.Contains(o.journal(t), `"vorgangsnummer":"100001"`) {
		t.Error("the one that is not certain is forgotten too")
	}
}

// What never had a time is forgotten when no list has it any more.
func TestForgetsWithoutATime(t *testing.T) {
	o, in := newOffice(t), adaptertest.NewIntake()
	o.more = ", status: [reserved]"
	o.put(t, []byte(`{"id":"100003","status":"reserved","lastChange":5,"scope":{"id":"58"}}`))
	o.running(t, in, nil)
	o.rounds(t, 1)
	until(t, "it is seen", func() bool { return strings.Contains(o.journal(t), "100003") })
	o.rounds(t, 2)
	if strings.Contains(o.journal(t), `"weg"`) {
		t.Error("it is forgotten while a list has it")
	}
	if err := o.sim.Remove("100003"); err != nil {
		t.Fatal(err)
	}
	until(t, "it is forgotten", func() bool { return strings.Contains(o.journal(t), `"weg":["100003"]`) })
}

// One process may come as a list of one, and as nothing else.
func TestListOfOne(t *testing.T) {
	one := string(process(1, "confirmed", 1, 5000))
	for data, ok := range map[string]bool{one: true, "[" + one + "]": true, "[" + one + "," + one + "]": false, "[]": false} {
		if got, err := zms.ReadOne([]byte(`{"meta":{"error":false},"data":` + data + `}`)); (err == nil) != ok || ok && got.Process != "100001" {
			t.Errorf("%.20s: %+v, %v", data, got, err)
		}
	}
}
