package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
)

// TestConsoleLive: the overview tells what is new, and no more than so many follow it.
func TestConsoleLive(t *testing.T) {
	t.Parallel()
	a, _, publish := consoleWorld(t, app.Config{})
	v := newVisitor(t, a).enter(a)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.base+"/live/overview", http.NoBody)
	must(t, err)
	var open []io.ReadCloser
	for range 6 {
		resp, err := v.http.Do(req)
		must(t, err)
		if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
			t.Fatal(resp.Status, kind)
		}
		open = append(open, resp.Body)
	}
	if s := v.get("/live/overview"); s.status != http.StatusServiceUnavailable {
		t.Error("the seventh:", s.status)
	}
	var follow errgroup.Group
	follow.Go(func() error {
		buf, all := make([]byte, 64<<10), ""
		for !strings.Contains(all, `beta.one`) {
			n, err := open[0].Read(buf)
			if err != nil {
				return fmt.Errorf("%w after %q", err, all)
			}
			all += string(buf[:n])
		}
		return nil
	})
	publish("in.alpha.app."+hubtest.Ding, ding("neu"))
	must(t, follow.Wait())
	for _, c := range open {
		must(t, c.Close())
	}
}

// TestCorpusConsole: texts of people who want to do harm are shown as texts in list,
// detail and reason, in masked and in full; so is one of a megabyte.
func TestCorpusConsole(t *testing.T) {
	t.Parallel()
	inputs := corpus.Read(t, "console")
	dir := t.TempDir()
	hubtest.WriteCorpusFederation(t, dir)
	a, w, publish := consoleWorld(t, app.Config{Directory: dir})
	big := fmt.Appendf(nil, `{"specversion":"1.0","id":"gross","source":"urn:de:behoerde:stadt-a:meldewesen","type":%q,"data":{"vorgang":"V-1","x":"%s"}}`,
		hubtest.CorpusType, strings.Repeat("<b>", 300_000))
	publish("in.stadt-a.meldewesen."+hubtest.CorpusType, big)
	for _, in := range inputs {
		publish("in.stadt-a.meldewesen."+hubtest.CorpusType, in.Data)
	}
	ds, _ := w.expect(t, len(inputs)+1, 0)
	v := newVisitor(t, a).enter(a)
	token := v.token()
	for _, d := range ds {
		if d.ID == "" {
			continue
		}
		paths := []string{"/search", "/event?id=" + url.QueryEscape(d.ID)}
		v.has(paths[1], fmt.Sprintf(`name="in" value="%s"><input type="hidden" name="seq" value="%d"`, d.In, d.Seq)) // a page that finds none says its id, too
		if d.Code != "" {
			group := v.get("/quarantine/group?app=stadt-a.meldewesen&code=" + string(d.Code))
			paths = append(paths, regexp.MustCompile(`/quarantine/\d+`).FindString(group.body))
		}
		harmless(t, v, d.ID, paths)
		look := url.Values{"token": {token}, "id": {d.ID}, "in": {d.In}, "seq": {fmt.Sprint(d.Seq)}, "reason": {"Probe des Korpus"}}
		if s := v.post("/event/look", look); s.status != http.StatusOK {
			t.Errorf("%s, %s %d, in full: %d at %s: %.600s", d.ID, d.In, d.Seq, s.status, s.path, s.body)
		}
		harmless(t, v, d.ID, paths[1:2])
	}
}

// loud is markup that no page of the console has, and characters that act.
var loud = regexp.MustCompile(`(?i)<img|<svg/|onerror=alert[^&]*>|</?style|<script[^>]*>[^<]|href="javascript|<b>|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{202a}-\x{202e}\x{2066}-\x{2069}]`)

func harmless(t *testing.T, v *visitor, id string, paths []string) {
	t.Helper()
	for _, path := range paths {
		s := v.get(path)
		if s.status != http.StatusOK {
			t.Errorf("%s: %s is %d", id, path, s.status)
		}
		if found := loud.FindString(s.body); found != "" {
			t.Errorf("%s: %s holds %q", id, path, found)
		}
		if len(s.body) > 1<<20 {
			t.Errorf("%s: %s is %d bytes long", id, path, len(s.body))
		}
	}
}
