package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A case that its receivers cannot take is parked after hours, or, when it takes more than
// half of what a mailbox may have in hand (1000 copies) and others get through, after the
// fifth attempt: within 15 seconds.
const (
	stuckCase   = "stau"
	stuckEvents = 990
)

// stuckAt are the applications of senke that are receivers of such a case.
var stuckAt = []string{"frei", "heim"} // for which it is released, and goes home

// receivers are webhooks, a path each, that take all but one case until somebody asks for
// the root: then they are mended.
type receivers struct {
	url string

	mu     sync.Mutex
	mended bool
	tried  map[string]int      // by application: attempts at the first of the case
	took   map[string][]string // and what came of the case
	again  chan string         // an application, at its second attempt
}

func newReceivers(t *testing.T) *receivers {
	t.Helper()
	r := &receivers{tried: map[string]int{}, took: map[string][]string{}, again: make(chan string, len(stuckAt))}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

// webhooks are the applications of receivers for the directory, and what an agreement says
// that goes to them.
func webhooks(url string) (apps, to string) {
	var all []string
	for _, name := range stuckAt {
		apps += fmt.Sprintf("  - id: senke.%s\n    title: Ablage\n    mailbox:\n      mode: webhook\n      webhook: {url: %q, allow: [%q], contact: Fachbetreuung, format: binary, rate: 100000}\n", name, url+"/"+name, url)
		all = append(all, fmt.Sprintf(`{application: senke.%s, authority: "ags:00000002"}`, name))
	}
	return apps, strings.Join(all, ", ")
}

// ServeHTTP implements http.Handler.
func (r *receivers) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method == http.MethodOptions { // may the hub send?
		w.Header().Set("WebHook-Allowed-Origin", "*")
		w.Header().Set("WebHook-Allowed-Rate", "*")
		return
	}
	name := strings.TrimPrefix(req.URL.Path, "/")
	r.mu.Lock()
	defer r.mu.Unlock()
	if name == "" {
		r.mended = true
	}
	if req.Header.Get("ce-correlationid") != stuckCase {
		return
	}
	if r.mended {
		r.took[name] = append(r.took[name], req.Header.Get("ce-id"))
		return
	}
	if r.tried[name]++; r.tried[name] == 2 {
		r.again <- name
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

// judge tells whether what was released came, in order, and what was given back did not.
func (r *receivers) judge(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var want []string
	for i := range stuckEvents {
		want = append(want, fmt.Sprintf("stau-%d", i))
	}
	if got := r.took[stuckAt[0]]; !slices.Equal(slices.Compact(got), want) { // once more is allowed
		t.Errorf("what was released came as %d events, the first ones %v", len(got), got[:min(3, len(got))])
	}
	if got := r.took[stuckAt[1]]; len(got) > 0 {
		t.Errorf("of what was given back %d events came", len(got))
	}
}

// akte is an event for the receivers.
func akte(id, of string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"urn:fluss:quelle","type":"de.fluss.akte.v1","correlationid":%q,"data":{"n":1}}`, id, of)
}

// stuck hands in the case that does not go on.
func (f *flow) stuck(ctx context.Context, t *testing.T) {
	t.Helper()
	for n := 0; n < stuckEvents; {
		var some []string
		for i := n; i < min(n+perBatch, stuckEvents); i++ {
			some = append(some, akte(fmt.Sprintf("stau-%d", i), stuckCase))
		}
		taken, err := f.handIn(ctx, some)
		if err != nil {
			t.Fatal(err)
		}
		if taken {
			n += len(some)
		}
	}
}

// others hands in another case, when it is known that the first one fails: one that
// receivers take while they cannot take the other.
func (f *flow) others(ctx context.Context, t *testing.T, r *receivers) {
	t.Helper()
	for range stuckAt {
		select {
		case <-r.again:
		case <-ctx.Done():
			t.Fatal("a receiver was not tried a second time")
		}
	}
	for taken := false; !taken; {
		var err error
		if taken, err = f.handIn(ctx, []string{akte("andere", "andere")}); err != nil {
			t.Fatal(err)
		}
	}
}
