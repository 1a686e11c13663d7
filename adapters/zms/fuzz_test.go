package zms_test

import (
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/zms"
	"github.com/amtsbote/amtsbote/hub"
)

// FuzzAnswer: whatever ZMS answers, nothing panics, no error quotes, and what is read
// has only numbers and known words.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"meta":{"error":false,"length":1},"data":[` + string(process(1, "confirmed", 5, 1727865900)) + `]}`)
	f.Add(`{"meta":{"error":"1","retryAfter":"5"},"data":{"0":{"id":0,"queue":[]},"7":null}}`)
	f.Add(`{"meta":{},"data":[{"id":[],"requests":{},"scope":""},{"id":"1","appointments":[{"date":"-1"}]}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		for _, err := range readAll([]byte(raw)) {
			if err != nil && strings.Contains(err.Error(), "Zaunk") {
				t.Errorf("an error quotes: %v", err)
			}
		}
		l, err := zms.ReadListing([]byte(raw))
		if err != nil {
			return
		}
		for _, o := range l.Seen {
			if strings.Trim(o.Process, "0123456789") != "" || strings.Trim(o.Dienststelle+o.Leika+strings.Join(o.Leistungen, ""), "0123456789") != "" || o.Begin < 0 || o.Minutes < 0 || o.Minutes > 720 {
				t.Errorf("read %+v", o)
			}
		}
	})
}

// FuzzOrder: whatever an event's data are, nothing panics and no error quotes.
func FuzzOrder(f *testing.F) {
	f.Add("de.termin.erforderlich.v1", `{"antrag":{"id":"a"},"leika":"99115005070000","anzahl":1,"bis":"2026-05-31"}`)
	f.Add("de.termin.absage-beantragt.v1", `{"termin":{"id":"4c5d6e7f-8091-4a2b-9c3d-4e5f60710902"}}`)
	f.Add("de.termin.buchung-beantragt.v1", `{"termin":"Zaunkönig"}`)
	f.Fuzz(func(t *testing.T, kind, data string) {
		e := cloudevents.New()
		e.SetType(kind)
		e.SetSource("urn:x")
		e.SetID("1")
		_ = e.SetData("application/json", []byte(data))
		if err := zms.ReadOrder(hub.Delivery{ID: "1", Event: e}); err != nil && strings.Contains(err.Error(), "Zaunk") {
			t.Errorf("an error quotes: %v", err)
		}
	})
}
