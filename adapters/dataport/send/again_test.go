package send_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

// TestNoProof: the service has a submission, and the answer was lost. Nothing but its
// event log, read and verified whole, says that it does not: nothing else makes
// another submission of it.
func TestNoProof(t *testing.T) {
	t.Parallel()
	isKeys := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/jwks.json") }
	either := func(r *http.Request) bool { return isEvents(r) || isPut(r) }
	unknown := instead(isPut, says(http.StatusNotFound, "submission-not-found"))
	for name, around := range map[string]func(http.Handler) http.Handler{
		"foreign page":       instead(either, http.NotFound),
		"the service's word": both(unknown, instead(isEvents, says(http.StatusNotFound, "case-not-found"))),
		"other problem":      both(unknown, instead(isEvents, says(http.StatusNotFound, "x"))),
		"no keys":            both(unknown, instead(isKeys, says(http.StatusNotFound, "case-not-found"))),
		"other keys":         both(unknown, instead(isKeys, gives(map[string]any{"keys": []any{}}))),
		"refused":            instead(either, says(http.StatusConflict, "x")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, d := newService(t), delivery("id", dog(1))
			s.order(t, fitsim.Order{On: "put", Do: fitsim.Lost})
			if s.sink(t, "").Deliver(t.Context(), d) == nil {
				t.Fatal("Deliver has not failed")
			}
			s.age(t, "id")
			s.wrap(around)
			for range 3 {
				if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d)); f == nil || f.Permanent {
					t.Fatal(f)
				}
			}
			s.wrap(nil)
			if err := deliver(t, s.sink(t, ""), d, 1); err != nil {
				t.Fatal(err)
			}
			s.only(t, receiver)
			if s.Begun() != 0 {
				t.Error("it was begun anew")
			}
		})
	}
}

// TestPartsGone: what may have arrived, and cannot be completed again, is not made anew
// while nobody knows.
func TestPartsGone(t *testing.T) {
	t.Parallel()
	s, d := newService(t), delivery("id", dog(1))
	s.order(t, fitsim.Order{On: "put", Do: fitsim.Lost})
	if s.sink(t, "").Deliver(t.Context(), d) == nil {
		t.Fatal("Deliver has not failed")
	}
	if err := os.RemoveAll(filepath.Join(s.dir, "fit", "work", "xid")); err != nil {
		t.Fatal(err)
	}
	s.wrap(instead(isEvents, says(http.StatusNotFound, "case-not-found")))
	if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d)); f == nil || f.Code != "fit-unclear" {
		t.Fatal(f)
	}
	s.wrap(nil)
	if err := deliver(t, s.sink(t, ""), d, 1); err != nil {
		t.Fatal(err)
	}
	s.only(t, receiver)
}

// TestForeignPage: a refusal that is not the service's own is no event's fault.
func TestForeignPage(t *testing.T) {
	t.Parallel()
	for name, which := range map[string]func(*http.Request) bool{
		"routes":      func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/routes") },
		"destination": func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, receiver) },
		"keys":        func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/keys/") },
		"announce":    func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/submissions") },
		"upload":      func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/attachments/") },
		"put":         isPut,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, d := newService(t), delivery("id", dog(1))
			for _, status := range []int{400, 403, 404, 413, 422} {
				s.wrap(instead(which, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", status) }))
				if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d)); f == nil || f.Permanent || f.Later {
					t.Errorf("%d: %+v", status, f)
				}
			}
			s.wrap(nil)
			if err := deliver(t, s.sink(t, ""), d, 1); err != nil {
				t.Fatal(err)
			}
			s.only(t, receiver)
		})
	}
}

// TestForbidden: what is not connected in the portal counts for no event.
func TestForbidden(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.order(t, fitsim.Order{On: "announce", Do: "403"})
	if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), delivery("id", dog(1)))); f == nil || f.Code != "fit-forbidden" || !f.Later || f.After <= 0 {
		t.Errorf("%+v", f)
	}
}

// TestRepeatedUpload: the service may refuse an attachment that it has; then it is
// begun anew, once.
func TestRepeatedUpload(t *testing.T) {
	t.Parallel()
	s, d := newService(t), delivery("id", dog(1))
	var mu sync.Mutex
	seen, last := map[string]bool{}, false
	s.wrap(instead(func(r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		last = strings.Contains(r.URL.Path, "/attachments/") && seen[r.URL.Path]
		seen[r.URL.Path] = true
		return last
	}, says(http.StatusConflict, "attachment-exists")))
	s.order(t, fitsim.Order{On: "upload", Do: fitsim.Lost, Skip: 1})
	for _, code := range []string{"fit-away", "fit-expired"} {
		if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d)); f == nil || f.Permanent || f.Code != code {
			t.Fatal(f)
		}
	}
	if err := deliver(t, s.sink(t, ""), d, 1); err != nil {
		t.Fatal(err)
	}
	s.only(t, receiver)
}

// TestRecord: once the service has it, nothing of the content is left.
func TestRecord(t *testing.T) {
	t.Parallel()
	s := newService(t)
	if err := deliver(t, s.sink(t, ""), delivery("id", dog(1)), 1); err != nil {
		t.Fatal(err)
	}
	record := s.record(t, "id")
	for _, word := range []string{"antrag.pdf", "foto.png", "image/png", "sha512", "size", "description", "Rex"} {
		if strings.Contains(record, word) {
			t.Errorf("the record has %s", word)
		}
	}
	info, err := os.Stat(filepath.Join(s.dir, "fit", "out", "id.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

func gives(body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(body) }
}

// TestNewKey: what was packed goes to the key that the destination has by then.
func TestNewKey(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"announce", "upload"} {
		s, d, other := newService(t), delivery("id", dog(1)), keys()[3]
		s.order(t, fitsim.Order{On: on, Do: "500"})
		if s.sink(t, "").Deliver(t.Context(), d) == nil {
			t.Fatal("Deliver has not failed")
		}
		s.age(t, "id")
		isKey := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/keys/"+other.ID) }
		isDestination := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/destinations/"+receiver) }
		s.wrap(both(instead(isKey, gives(fit.PublicJWK(other.Public(), fit.AlgRSAOAEP256, fit.OpWrap))),
			instead(isDestination, gives(map[string]string{"destinationId": receiver, "status": "active", "encryptionKid": other.ID}))))
		if err := deliver(t, s.sink(t, ""), d, 1); err != nil {
			t.Fatal(err)
		}
		if _, data, _ := s.received(t, s.only(t, receiver), other); !strings.Contains(data, "Rex") {
			t.Error("it cannot be read")
		}
	}
}

// TestChangedData: what the hub gives is not what the event says.
func TestChangedData(t *testing.T) {
	t.Parallel()
	s, b := newService(t), blobs{}
	d := delivery("id", event("de.antrag.eingereicht.v1", "antrag", map[string]any{
		"antrag": map[string]any{"leistung": leika}, "fachschema": map[string]any{"uri": schema, "mediaType": "application/json"},
		"original": b.reference("daten", "application/json", []byte(`{"name": 1}`)),
	}))
	b["blob:daten"], d.Blobs = []byte(`{"name": 2}`), b
	if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), d)); f == nil || !f.Permanent || f.Code != "fit-data" {
		t.Error(f)
	}
}
