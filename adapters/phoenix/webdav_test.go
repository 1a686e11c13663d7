package phoenix_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/phoenix"
	"github.com/amtsbote/amtsbote/adapters/phoenix/phoenixsim"
	"github.com/amtsbote/amtsbote/hub"
)

// share is a WebDAV server: its address, its files, and who may write.
type share struct {
	url, user string
	files     string // directory of the server's files
	dir       string // the adapter's
	down      func() (func() error, error)
	sim       *phoenixsim.Server // nil for others
}

func newShare(t testing.TB) *share {
	t.Helper()
	files := t.TempDir()
	sim := phoenixsim.New(phoenixsim.Options{Admin: "amtsbote", Password: password, Users: []string{"kfz"}, Dir: files})
	at := serve(t, sim)
	t.Cleanup(sim.Stop)
	s := &share{url: at.URL + "/remote.php/dav/files/amtsbote", user: "amtsbote", files: files, dir: t.TempDir(), down: at.fall, sim: sim}
	write(t, s.dir, "passwort", password)
	return s
}

func (s *share) open(further string) (hub.Sink, error) {
	return phoenix.WebDAV().Sink(env(s.dir), adaptertest.Settings(
		fmt.Sprintf("{url: '%s', benutzer: %s, passwort: passwort, ordner: Eingang/Für Kfz%s}", s.url, s.user, further)))
}

func (s *share) sink(t testing.TB, further string) hub.Sink {
	t.Helper()
	sink, err := s.open(further)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// held gives name and digest of each file, those on their way too.
func (s *share) held() (all []string, err error) {
	err = filepath.WalkDir(s.files, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.Contains(path, "/.DAV") {
			return err
		}
		raw, err := os.ReadFile(path)
		sum := sha256.Sum256(raw)
		all = append(all, e.Name()+" "+hex.EncodeToString(sum[:]))
		return err
	})
	return all, err
}

func (s *share) destination() adaptertest.Destination {
	noJSON := happened(1)
	noJSON.DataEncoded = []byte(`{"name":"Erika Mustermann"`)
	return adaptertest.Destination{
		Sink: func() (hub.Sink, error) { return s.open("") }, Event: happened, Unmappable: append(broken(), noJSON), Effects: s.held, Down: s.down,
	}
}

func TestWebDAVSink(t *testing.T) { // alone: it looks for goroutines that are left
	adaptertest.Sink(t, adaptertest.SinkCase{New: func(t testing.TB) adaptertest.Destination { return newShare(t).destination() }})
}

// content gives the one file that ends so.
func (s *share) content(t testing.TB, ending string) []byte {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.files, "Eingang", "Für Kfz", "*"+ending))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d files end with %s: %v", len(found), ending, err)
	}
	raw, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestWebDAVEvent(t *testing.T) {
	t.Parallel()
	s := newShare(t)
	if err := s.sink(t, "").Deliver(t.Context(), delivery(1)); err != nil {
		t.Fatal(err)
	}
	var got hub.Event
	if err := json.Unmarshal(s.content(t, ".json"), &got); err != nil || got.ID() != happened(1).ID() || !bytes.Equal(got.Data(), happened(1).Data()) {
		t.Errorf("%v, %v", got, err)
	}
}

// The process dies at each call of a delivery, before and after the server has done
// what was asked; the next one brings each file once, and leaves nothing half done.
func TestWebDAVCrash(t *testing.T) {
	t.Parallel()
	for _, move := range []string{"true", "false"} {
		for _, on := range []string{"HEAD", "PUT", "MKCOL", "MOVE"} {
			for _, do := range []phoenixsim.Effect{phoenixsim.Drop, phoenixsim.Lost} {
				for skip := range 3 {
					if on == "MOVE" && move == "false" {
						continue
					}
					s := newShare(t)
					if err := s.sim.Order(phoenixsim.Order{On: on, Do: do, Skip: skip}); err != nil {
						t.Fatal(err)
					}
					failed := s.sink(t, ", move: "+move).Deliver(t.Context(), delivery(1))
					for attempt := range 2 {
						if err := s.sink(t, ", move: "+move).Deliver(t.Context(), delivery(1)); err != nil {
							t.Errorf("%s %s after %d: attempt %d: %v", on, do, skip, attempt, err)
						}
					}
					if all, err := s.held(); err != nil || len(all) != 1 || !bytes.Contains(s.content(t, ".json"), []byte("Zaunkönig")) {
						t.Errorf("%s %s after %d (%v): %q, %v", on, do, skip, failed, all, err)
					}
				}
			}
		}
	}
}

// A try that broke off has left half a file under its final name, where a server does
// not rename: the next one puts the whole, and then it is left alone.
func TestWebDAVHalfAFile(t *testing.T) {
	t.Parallel()
	s := newShare(t)
	deliver := func() []byte {
		if err := s.sink(t, ", move: false, dir: "+t.TempDir()).Deliver(t.Context(), delivery(1)); err != nil {
			t.Fatal(err)
		}
		return s.content(t, ".json")
	}
	whole := deliver()
	all, err := filepath.Glob(filepath.Join(s.files, "*", "*", "*.json"))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if err := os.WriteFile(all[0], whole[:10], 0o600); err != nil {
		t.Fatal(err)
	}
	if again := deliver(); !bytes.Equal(again, whole) {
		t.Errorf("%q", again)
	}
	puts := s.sim.Calls("PUT")
	if deliver(); s.sim.Calls("PUT") != puts {
		t.Error("a file that is there is put again")
	}
}

// What a clerk has taken away does not come again, nor what she has changed.
func TestWebDAVTaken(t *testing.T) {
	t.Parallel()
	s := newShare(t)
	if err := s.sink(t, "").Deliver(t.Context(), delivery(1)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(s.files, "Eingang")); err != nil {
		t.Fatal(err)
	}
	if err := s.sink(t, "").Deliver(t.Context(), delivery(1)); err != nil {
		t.Fatal(err)
	}
	if all, err := s.held(); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
}

func TestWebDAVFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		on        string
		do        phoenixsim.Effect
		code      string
		permanent bool
	}{
		{"PUT", "507", "storage-full", false},
		{"PUT", "423", "locked", false},
		{"PUT", "413", "too-large", true},
		{"PUT", "400", "refused", true},
		{"PUT", "415", "refused", false},
		{"MKCOL", "400", "refused", false},
		{"MOVE", "413", "too-large", false},
		{"HEAD", "400", "refused", false},
		{"PUT", "500", "server-error", false},
		{"PUT", "429", "rate-limited", false},
		{"PUT", "403", "forbidden", false},
		{"PUT", "405", "no-folder", false},
		{"PUT", phoenixsim.Huge, "answer-too-large", false},
		{"PUT", phoenixsim.Moved, "answer-unreadable", false},
		{"MOVE", phoenixsim.Garbage, "answer-unreadable", false},
		{"MOVE", "501", "no-move", false},
		{"MOVE", "409", "conflict", false},
		{"HEAD", "401", "unauthorised", false},
		{"HEAD", phoenixsim.Moved, "answer-unreadable", false},
		{"MKCOL", "403", "forbidden", false},
	} {
		s := newShare(t)
		sink := s.sink(t, "")
		order(t, s.sim, c.on, c.do, 1)
		f := hub.FaultOf(sink.Deliver(t.Context(), delivery(1)))
		if f == nil || f.Code != c.code || f.Permanent != c.permanent || strings.Contains(f.Error(), "remote.php") {
			t.Errorf("%s %s: %v", c.on, c.do, f)
		}
		if err := sink.Deliver(t.Context(), delivery(1)); err != nil {
			t.Errorf("%s %s: afterwards %v", c.on, c.do, err)
		}
	}
	s := newShare(t)
	if f := hub.FaultOf(s.sink(t, ", anlegen: false").Deliver(t.Context(), delivery(1))); f == nil || f.Permanent {
		t.Errorf("a folder that is missing: %v", f)
	}
	if f := hub.FaultOf(s.sink(t, ", max-bytes: 10").Deliver(t.Context(), delivery(1))); f == nil || !f.Permanent || f.Code != "too-large" {
		t.Errorf("a large event: %v", f)
	}
}

// documents are blobs, by reference.
type documents map[string][]byte

func (d documents) Open(_ context.Context, ref string) (io.ReadCloser, error) {
	content, there := d[ref]
	if !there {
		return nil, hub.Permanent("blob-missing", "no such blob")
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func withDocuments(blobs documents) hub.Delivery {
	d := delivery(1)
	d.Blobs = blobs
	d.Event.DataEncoded = []byte(`{"anlagen": [{"dokument": {"ref": "blob:a", "typ": "application/pdf"}}, {"ref": "blob:b", "typErkannt": "../../etc/x"}, "blob:a"], "bemerkung": ["blob: Zaunkönig", "blob:", "blob:c d"]}`)
	return d
}

// The documents are there before the event is, whole, each once and under names of ours.
func TestWebDAVDocuments(t *testing.T) {
	t.Parallel()
	big := bytes.Repeat([]byte("x"), 1<<20)
	s := newShare(t)
	order(t, s.sim, "PUT", phoenixsim.Lost, 2)
	var failures int
	for s.sink(t, ", dokumente: true").Deliver(t.Context(), withDocuments(documents{"blob:a": big, "blob:b": []byte("b")})) != nil {
		if failures++; failures > 5 {
			t.Fatal("it does not end")
		}
	}
	all, err := s.held()
	if err != nil || len(all) != 3 || !bytes.Equal(s.content(t, "_1.pdf"), big) || string(s.content(t, "_2")) != "b" {
		t.Errorf("%q, %v", all, err)
	}
	slices.Sort(all)
	for _, name := range all {
		if strings.HasPrefix(name, ".") || strings.Contains(name, "etc") {
			t.Error(name)
		}
	}
}

func TestWebDAVDocumentsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		blobs documents
		code  string
	}{
		"missing": {documents{"blob:a": []byte("a")}, "blob-missing"},
		"large":   {documents{"blob:a": bytes.Repeat([]byte("x"), 2001), "blob:b": nil}, "too-large"},
	} {
		s := newShare(t)
		f := hub.FaultOf(s.sink(t, ", dokumente: true, max-bytes: 2000").Deliver(t.Context(), withDocuments(c.blobs)))
		if f == nil || !f.Permanent || f.Code != c.code {
			t.Errorf("%s: %v", name, f)
		}
		found, err := filepath.Glob(filepath.Join(s.files, "*", "*", "*.json"))
		if err != nil || len(found) != 0 {
			t.Errorf("%s: the event is there, and not all its documents", name)
		}
	}
}

// A page of a proxy before the folder is no success.
func TestWebDAVProxy(t *testing.T) {
	t.Parallel()
	page := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	s := &share{url: page.URL, user: "amtsbote", dir: t.TempDir()}
	write(t, s.dir, "passwort", password)
	if f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), delivery(1))); f == nil || f.Permanent {
		t.Error(f)
	}
}
