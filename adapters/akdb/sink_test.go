package akdb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/hub"
)

// deliver hands e to a new sink and gives the one file in out/.
func deliver(t *testing.T, env hub.Env, e hub.Event, blobs opener) (name, content string, err error) {
	t.Helper()
	return deliverWith(t, env, settings, e, blobs)
}

func deliverWith(t *testing.T, env hub.Env, yaml string, e hub.Event, blobs opener) (name, content string, err error) {
	t.Helper()
	s, err := akdb.Kind().Sink(env, adaptertest.Settings(yaml))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Deliver(t.Context(), hub.Delivery{ID: "d1", Attempt: 1, Event: e, Blobs: blobs}); err != nil {
		return "", "", err
	}
	files, _ := filepath.Glob(filepath.Join(env.Dir, "out", "*"))
	if len(files) != 1 {
		t.Fatalf("out has %q", files)
	}
	b, err := os.ReadFile(files[0])
	return filepath.Base(files[0]), string(b), err
}

type opener interface {
	Open(ctx context.Context, ref string) (io.ReadCloser, error)
}

// store is a set of blobs, or an error for all of them.
type store struct {
	blobs map[string][]byte
	err   error
}

func (s store) Open(_ context.Context, ref string) (io.ReadCloser, error) {
	if s.err != nil {
		return nil, s.err
	}
	if b, ok := s.blobs[ref]; ok {
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	return nil, hub.Permanent("blob-missing", "open blob")
}

// TestThereAndBack: message, event, message, event give the same data, whether
// the original travels or the message is built.
func TestThereAndBack(t *testing.T) {
	messages := map[string]string{"1704": application(t, 7), "1707 yes": accepted(t, 8), "1707 no": refused(t, 9)}
	for name, message := range messages {
		t.Run(name+" by its original", func(t *testing.T) {
			in, e := takeOne(t, "a.xml", message)
			file, content, err := deliver(t, adaptertest.Env(t.TempDir()), e, in.Blobs())
			if err != nil || content != message {
				t.Fatal(err, content)
			}
			if want := "XMeld_" + name[:4] + "_" + e.ID() + ".xml"; file != want {
				t.Errorf("file is %s, want %s", file, want)
			}
		})
		t.Run(name+" built", func(t *testing.T) {
			in, first := takeOne(t, "a.xml", message)
			_, content, err := deliver(t, adaptertest.Env(t.TempDir()), without(t, first, "original"), in.Blobs())
			if err != nil {
				t.Fatal(err)
			}
			_, second := takeOne(t, "b.xml", content)
			ignored := cmpopts.IgnoreMapEntries(func(k string, _ any) bool { return k == "original" })
			if diff := cmp.Diff(dataOf(t, first), dataOf(t, second), ignored); diff != "" {
				t.Error(diff)
			}
			if first.ID() != second.ID() || !first.Time().Equal(second.Time()) {
				t.Errorf("%s\n%s", first, second)
			}
			if complaint := interop.Lint(t, []byte(content), "data", "xoev", "xmeld", "schema", "xinneres.xmeld.xsd"); complaint != "" {
				t.Error(complaint)
			}
		})
	}
}

// TestUUIDOfTheHeader: what was no message before (an application over FIT-Connect) gets
// the UUID that its header says, with or without an original that is no message; the
// file is named by the event, so that no header can have another's file replaced.
func TestUUIDOfTheHeader(t *testing.T) {
	in, e := takeOne(t, "a.xml", application(t, 7))
	header := e.ID()
	e.SetExtension("xoevmsgtype", nil) // it was no message
	for _, id := range []string{"3d6e2f0a-91c4-4f57-8a52-1c0f6b7d9e77", header + ".2"} {
		for name, e := range map[string]hub.Event{"built": without(t, e, "original"), "original": e} {
			e.SetID(id)
			file, content, err := deliver(t, adaptertest.Env(t.TempDir()), e, in.Blobs())
			if err != nil {
				t.Fatal(name, err)
			}
			part := id != header && strings.HasPrefix(id, header)
			if strings.Contains(content, header) == part || strings.Contains(file, header) || !part && !strings.Contains(file, id) {
				t.Errorf("%s: the event %s became %s, which has the header's UUID: %v", name, id, file, !part)
			}
		}
	}
}

// TestUUIDOfAnother: an event that was a message is handed on under an id of its own, and
// the UUID is the other message's.
func TestUUIDOfAnother(t *testing.T) {
	in, e := takeOne(t, "a.xml", application(t, 7))
	header := e.ID()
	e.SetID(uuidOf(8))
	_, content, err := deliver(t, adaptertest.Env(t.TempDir()), e, in.Blobs())
	if err != nil || strings.Contains(content, header) || !strings.Contains(content, uuidOf(8)) {
		t.Error(err, content)
	}
}

// TestUUIDIsOfOneMessage: what says something else under a UUID that was given away, as a
// second submission in a case, gets a UUID of its own, in every attempt and after a
// restart: the receiver takes each UUID once. The same data again are the same message;
// what could not be built has no UUID.
func TestUUIDIsOfOneMessage(t *testing.T) {
	in, _ := takeOne(t, "a.xml", application(t, 7))
	first := without(t, in.Events()[0], "original")
	first.SetExtension("xoevmsgtype", nil)
	header, env := uuidOf(7), adaptertest.Env(t.TempDir())
	other, broken := first.Clone(), without(t, first, "bisherigeAnschrift")
	data := dataOf(t, other)
	data["einzug"] = "2026-04-01"
	if err := other.SetData("application/json", data); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		e        hub.Event
		id, want string
	}{
		{broken, uuidOf(20), ""},
		{first, uuidOf(21), header},
		{other, uuidOf(22), uuidOf(22)},
		{first, uuidOf(21), header},
		{first, uuidOf(23), header},
		{other, uuidOf(22), uuidOf(22)},
	} {
		step.e.SetID(step.id)
		s, err := akdb.Kind().Sink(env, adaptertest.Settings(settings))
		if err != nil {
			t.Fatal(err)
		}
		err = s.Deliver(t.Context(), hub.Delivery{ID: "d" + step.id, Attempt: 1, Event: step.e})
		if step.want == "" {
			if f := hub.FaultOf(err); f == nil || f.Code != "unmappable" {
				t.Errorf("%s: %v", step.id, err)
			}
			continue
		}
		content, failed := os.ReadFile(filepath.Join(env.Dir, "out", "XMeld_1704_"+step.id+".xml"))
		if err != nil || failed != nil || !strings.Contains(string(content), "<nachrichtenUUID>"+step.want+"<") {
			t.Errorf("the event %s has not the UUID %s: %v %v", step.id, step.want, err, failed)
		}
	}
}

func dataOf(t *testing.T, e hub.Event) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(e.Data(), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func without(t *testing.T, e hub.Event, field string) hub.Event {
	t.Helper()
	m := dataOf(t, e)
	delete(m, field)
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	c := e.Clone()
	if err := c.SetData("application/json", raw); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestOriginalThatIsNot: the message is built when the original is gone,
// damaged, or another message.
func TestOriginalThatIsNot(t *testing.T) {
	_, e := takeOne(t, "a.xml", application(t, 7))
	var d xmeld.Eingegangen
	if err := json.Unmarshal(e.Data(), &d); err != nil {
		t.Fatal(err)
	}
	other, o := blob("application/xml", application(t, 99))
	d.Original = o
	swapped := event(t, 7, e.Type(), d)
	for name, c := range map[string]struct {
		e     hub.Event
		blobs opener
	}{
		"gone":            {e, store{}},
		"damaged":         {e, store{blobs: map[string][]byte{ref(t, e): []byte("x")}}},
		"another message": {swapped, store{blobs: map[string][]byte{o.Ref: other}}},
		"no blobs":        {e, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, content, err := deliver(t, adaptertest.Env(t.TempDir()), c.e, c.blobs)
			if err != nil || !strings.Contains(content, `produkt="Amtsbote"`) || !strings.Contains(content, uuidOf(7)) {
				t.Errorf("%v\n%s", err, content)
			}
		})
	}
	t.Run("not now", func(t *testing.T) {
		_, _, err := deliver(t, adaptertest.Env(t.TempDir()), e, store{err: errors.New("disk is busy")})
		if f := hub.FaultOf(err); f == nil || f.Permanent {
			t.Errorf("got %v", err)
		}
	})
}

func ref(t *testing.T, e hub.Event) string {
	t.Helper()
	original, _ := dataOf(t, e)["original"].(map[string]any)
	r, _ := original["ref"].(string)
	return r
}

func TestHeaderFromSettings(t *testing.T) {
	_, content, err := deliver(t, adaptertest.Env(t.TempDir()), event(t, 7, xmeld.TypeEingegangen, applicationData()), nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := xoev.ReadHeader(strings.NewReader(content), limits)
	if err != nil || h.Autor.Kennung != portalKey || h.Leser.Kennung != registerKey || h.Created != "2026-03-02T09:15:00.123+01:00" {
		t.Errorf("%+v %v", h, err)
	}
}

func TestIDThatIsNoUUID(t *testing.T) {
	e := event(t, 7, xmeld.TypeEingegangen, applicationData())
	e.SetID("Antrag 4711")
	_, first, err := deliver(t, adaptertest.Env(t.TempDir()), e, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := deliver(t, adaptertest.Env(t.TempDir()), e, nil)
	if err != nil || first != second {
		t.Error("another attempt gives another message", err)
	}
}

func TestTestMarkGoesOut(t *testing.T) {
	e := event(t, 7, xmeld.TypeEingegangen, applicationData())
	e.SetExtension("xoevtest", "true")
	_, content, err := deliver(t, adaptertest.Env(t.TempDir()), e, nil)
	if err != nil || !strings.Contains(content, ` test="true"`) {
		t.Error(err, content)
	}
	env := adaptertest.Env(t.TempDir())
	env.Production = true
	if _, _, err := deliver(t, env, e, nil); hub.FaultOf(err).Code != "xoev-s999" {
		t.Errorf("in production: %v", err)
	}
}

func TestAnotherReadersContactIsNotItsOwn(t *testing.T) {
	d := applicationData()
	d.Kopf = &xoev.Kopf{Autor: xoev.Stelle{Kennung: "mbp:1", Name: "Anderes Portal"}, Leser: xoev.Stelle{Kennung: "ags:09999001", Name: "Probstadt"}}
	_, content, err := deliver(t, adaptertest.Env(t.TempDir()), event(t, 7, xmeld.TypeEingegangen, d), nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := xoev.ReadHeader(strings.NewReader(content), limits)
	if err != nil || h.Autor.Name != "Anderes Portal" || h.Leser.Kennung != "ags:09999001" {
		t.Errorf("%+v %v", h, err)
	}
}
