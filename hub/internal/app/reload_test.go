package app_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// edit changes a file of a federation directory.
func edit(t *testing.T, dir, file, old, now string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(file))
	text, err := os.ReadFile(path)
	must(t, err)
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	must(t, os.WriteFile(path, []byte(strings.Replace(string(text), old, now, 1)), 0o600))
}

func ding(id string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":%q,"type":%q,"correlationid":"k","data":{"n":1}}`, id, hubtest.Source, hubtest.Ding)
}

// TestReload changes the federation directory under a running hub, again and
// again while events come: every event is decided by one version whole, and its
// record names it.
func TestReload(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	hubtest.WriteFederation(t, dir)
	a := startApp(t, app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), Observer: w, Listen: "127.0.0.1:0"})
	defer func() { stopApp(t, a) }()
	_, publish := local(t, a)

	// who gets what under which version
	receivers := map[string]string{a.Federation().Digest: "beta.one/all beta.two/n"}
	const events = 400
	var sending sync.WaitGroup
	sending.Go(func() {
		for i := range events {
			publish("in.alpha.app."+hubtest.Ding, ding(fmt.Sprint("e", i)))
		}
	})
	forms := []string{"[/n]", "all", "[/text]"}
	for i := range 12 {
		before, after := forms[i%len(forms)], forms[(i+1)%len(forms)]
		edit(t, dir, "agreements/ding-zwei.yaml", "disclose: "+before, "disclose: "+after)
		done, err := a.Reload(t.Context())
		must(t, err)
		if done.Before == done.Now || done.Now != a.Federation().Digest {
			t.Fatalf("reload %d: %+v", i, done)
		}
		receivers[done.Now] = "beta.one/all beta.two/" + strings.NewReplacer("[/", "", "]", "").Replace(after)
	}
	sending.Wait()
	ds, _ := w.expect(t, events, 0)
	versions := map[string]int{}
	for _, d := range ds {
		var got []string
		for _, r := range d.Receivers {
			fields := "all"
			if r.Cut() {
				fields = strings.TrimPrefix(strings.Join(r.Fields, " "), "/")
			}
			got = append(got, r.Application+"/"+fields)
		}
		if s := strings.Join(got, " "); s != receivers[d.Federation] {
			t.Errorf("%s under %s went to %q, want %q", d.ID, d.Federation, s, receivers[d.Federation])
		}
		versions[d.Federation]++
	}
	t.Logf("%d events under %d of %d versions", len(ds), len(versions), len(receivers))
}

// TestReloadRefused: with an error in the directory, or when a stream is not as
// it must be, the version before stays in force whole.
func TestReloadRefused(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	hubtest.WriteFederation(t, dir)
	a := startApp(t, app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), Observer: w, Listen: "127.0.0.1:0"})
	defer func() { stopApp(t, a) }()
	_, publish := local(t, a)
	before := a.Federation()

	edit(t, dir, "agreements/ding-zwei.yaml", "law: DSGVO-6-1e", "law: DSGVO-6-1x")
	_, err := a.Reload(t.Context())
	if _, ok := errors.AsType[*app.InvalidError](err); !ok || !strings.Contains(err.Error(), "VB-LAW-003") {
		t.Errorf("reload: %v, want the findings", err)
	}
	edit(t, dir, "agreements/ding-zwei.yaml", "law: DSGVO-6-1x", "law: DSGVO-6-1e")
	edit(t, dir, "organisations/alpha.yaml", "role: authority", "role: authority\nquota: 3GiB")
	if _, err := a.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "max bytes") {
		t.Errorf("reload: %v, want that the stream's size differs", err)
	}
	if a.Federation() != before {
		t.Error("another version is in force")
	}
	publish("in.alpha.app."+hubtest.Ding, ding("after"))
	ds, _ := w.expect(t, 1, 0)
	if ds[0].Federation != before.Digest || ds[0].Outcome != hub.Routed {
		t.Errorf("%s by %s", ds[0].Outcome, ds[0].Federation)
	}
}

// TestReloadBringsAndTakes: an organisation, a mailbox and an adapter come and go
// without a restart; what the local credential may do follows.
func TestReloadBringsAndTakes(t *testing.T) {
	dir, data, w := t.TempDir(), filepath.Join(t.TempDir(), "data"), newWatch()
	hubtest.WriteFederation(t, dir)
	a := startApp(t, app.Config{Directory: dir, Data: data, Observer: w, Listen: "127.0.0.1:0"})
	defer func() { stopApp(t, a) }()
	_, publish := local(t, a)

	write := func(name, content string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o750))
		must(t, os.WriteFile(path, []byte(content), 0o600))
	}
	write("organisations/gamma.yaml", `id: gamma
name: Gamma
role: authority
authorities: [{key: "ags:00000003", name: Gamma}]
applications:
  - {id: gamma.neu, title: Neu, mailbox: {mode: sink}, sources: [{prefix: "urn:test:gamma", authority: "ags:00000003"}]}
`)
	settled := func(when string) {
		t.Helper()
		awaitTrue(t, "nothing to be loose "+when, func() bool {
			return a.Bus().Settled(bus.Out) == math.MaxUint64 && a.Bus().Settled(bus.Quarantine) == math.MaxUint64
		})
	}
	write("adapters/neu.yaml", "application: gamma.neu\nkind: filedrop\nsettings: {}\n")
	if _, err := a.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "the version before stays in force") {
		t.Errorf("reload with an adapter that cannot be made: %v", err)
	}
	settled("of an organisation that did not come")
	write("adapters/neu.yaml", "application: gamma.neu\nkind: filedrop\nsettings: {dir: drop/neu}\n")
	edit(t, dir, "agreements/ding-eins.yaml", "to: [{application: beta.one, authority: \"ags:00000002\"}]",
		"to: [{application: beta.one, authority: \"ags:00000002\"}, {application: gamma.neu, authority: \"ags:00000003\"}]")
	if _, err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(a.Adapters()); n != 1 {
		t.Fatalf("%d adapters run, want one", n)
	}
	publish("in.alpha.app."+hubtest.Ding, ding("1"))
	ds, ms := w.expect(t, 1, 1)
	if len(ds[0].Receivers) != 3 || ms[0].Mailbox != "gamma.neu" {
		t.Errorf("receivers %v, handed out to %s", ds[0].Receivers, ms[0].Mailbox)
	}
	if files := eventsIn(t, filepath.Join(data, "drop", "neu", "out")); len(files) != 1 {
		t.Errorf("the new adapter wrote %d files", len(files))
	}
	// the new organisation sends
	publish("in.gamma.neu."+hubtest.Ding, []byte(strings.ReplaceAll(string(ding("2")), hubtest.Source, "urn:test:gamma")))
	ds, _ = w.expect(t, 1, 0)
	if ds[0].Application != "gamma.neu" || ds[0].Outcome != hub.Unrouted {
		t.Errorf("%s of %s", ds[0].Outcome, ds[0].Application)
	}

	must(t, os.Remove(filepath.Join(dir, "adapters", "neu.yaml")))
	must(t, os.Remove(filepath.Join(dir, "organisations", "gamma.yaml")))
	edit(t, dir, "agreements/ding-eins.yaml", ", {application: gamma.neu, authority: \"ags:00000003\"}", "")
	if _, err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	settled("of an organisation that has gone")
	if n := len(a.Adapters()); n != 0 {
		t.Errorf("%d adapters run after the last was taken away", n)
	}
	_, publish = local(t, a) // who was connected under rights that changed twice is dropped
	publish("in.alpha.app."+hubtest.Ding, ding("3"))
	ds, _ = w.expect(t, 1, 0)
	if len(ds[0].Receivers) != 2 {
		t.Errorf("receivers %v", ds[0].Receivers)
	}
}
