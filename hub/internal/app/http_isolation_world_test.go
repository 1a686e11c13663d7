package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/hub/internal/token"
)

// stream asks for a stream and reads how that is answered, not what comes.
func (k *asker) stream(t *testing.T, path string) *answered {
	t.Helper()
	nc, err := net.Dial("tcp", k.host)
	must(t, err)
	defer func() { _ = nc.Close() }()
	must(t, nc.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = nc.Write([]byte(k.head(http.MethodGet, path) + "\r\n"))
	must(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	must(t, err)
	out := &answered{status: resp.StatusCode, header: resp.Header, raw: make([]byte, max(resp.ContentLength, 0))}
	if len(out.raw) > 0 {
		_, err = io.ReadFull(resp.Body, out.raw)
		must(t, err)
		must(t, json.Unmarshal(out.raw, &out.body))
	}
	return out
}

// as is the asker with another credential.
func (k *asker) as(secret string) *asker {
	other := *k
	other.token = secret
	return &other
}

// isolationDoor starts the hub with two organisations of two applications each, all
// of which send and receive by HTTP.
func isolationDoor(t *testing.T, cfg app.Config) *asker {
	return testDoor(t, cfg, func(dir string) {
		for org, apps := range map[string][]string{"alpha": {"app", "second"}, "beta": {"one", "two"}} {
			file := map[string]string{"alpha": "00000001", "beta": "00000002"}
			var s strings.Builder
			fmt.Fprintf(&s, "id: %s\nname: %s\nrole: authority\nauthorities:\n  - {key: \"ags:%s\", name: %s}\napplications:\n", org, org, file[org], org)
			for _, name := range apps {
				fmt.Fprintf(&s, "  - id: %s.%s\n    title: T\n    mailbox: {mode: http}\n    sources:\n      - {prefix: \"%s\", authority: \"ags:%s\"}\n", org, name, sourceOf(org, name), file[org])
			}
			must(t, os.WriteFile(filepath.Join(dir, "organisations", org+".yaml"), []byte(s.String()), 0o600))
		}
	})
}

func sourceOf(org, name string) string {
	if org == "alpha" && name == "app" {
		return "urn:test:alpha" // hubtest.Source and its agreements
	}
	return "urn:test:" + org + "-" + name
}

// furnish has an application send what rests in quarantine; alpha.app sends two good
// events too, each of which beta.one gets whole and beta.two cut.
func furnish(t *testing.T, k *asker, r room) room {
	t.Helper()
	if r.app == "alpha.app" {
		for _, id := range []string{"first", "second"} {
			k.event(t, r.event(id)).want(t, r.app+" sends", http.StatusAccepted, "")
		}
	}
	bad := k.event(t, strings.Replace(r.event("bad"), `"n":1`, `"n":"x"`, 1))
	bad.want(t, r.app+" sends a bad event", http.StatusUnprocessableEntity, string(refusal.SchemaInvalid))
	r.refused, r.lease = bad.text("quarantine"), "none"
	return r
}

// lease takes the first event of the mailbox into the application's hand.
func lease(t *testing.T, k *asker, r room) room {
	t.Helper()
	got := k.ask(t, http.MethodPost, "/mailboxes/"+r.app+"/lease", []byte(`{"max":1,"wait":20,"lease":600}`))
	var out struct {
		Events []struct {
			Token   string
			Attempt int
			Event   struct{ ID string }
		}
	}
	must(t, json.Unmarshal(got.raw, &out))
	if len(out.Events) != 1 || out.Events[0].Attempt != 1 {
		t.Fatalf("%s leased %s", r.app, got.raw)
	}
	r.lease = out.Events[0].Token
	return r
}

// holds is what lies in all streams but the trail, by subject, and how far all
// mailboxes are.
func (k *asker) holds(t *testing.T) map[string]uint64 {
	t.Helper()
	out := map[string]uint64{}
	for _, stream := range []string{"IN_alpha", "IN_beta", "EDGE_alpha", "EDGE_beta", bus.Out, bus.Quarantine, bus.Parked} {
		subjects, err := k.app.Bus().Subjects(t.Context(), stream, ">")
		must(t, err)
		maps.DeleteFunc(subjects, func(s string, _ uint64) bool { return strings.Contains(s, ".cursor.") })
		maps.Copy(out, subjects)
	}
	for _, box := range []string{"alpha.app", "alpha.second", "beta.one", "beta.two"} {
		state, err := k.app.Bus().Mailbox(t.Context(), box)
		must(t, err)
		out["floor of "+box] = state.Floor
	}
	return out
}

// furnished waits until what furnish has sent lies where it belongs.
func (k *asker) furnished(t *testing.T) {
	t.Helper()
	awaitTrue(t, "two copies a receiver, and what may not pass in quarantine", func() bool {
		h, refused := k.holds(t), uint64(0)
		for subject, n := range h {
			if strings.HasPrefix(subject, "quarantine.") {
				refused += n
			}
		}
		return h["out.beta.one."+hubtest.Ding] == 2 && h["out.beta.two."+hubtest.Ding] == 2 && refused == 4
	})
}

// nobody is a credential that lets nobody in.
type nobody struct{ what, secret string }

// nobodies are those that TestHTTPIsolation knocks with.
func nobodies(t *testing.T, k *asker) []nobody {
	t.Helper()
	var expired, revoked, gone app.TokenAnswer
	ask := func(req app.TokenRequest, answer *app.TokenAnswer) {
		must(t, app.Ask(t.Context(), k.app.Data(), nil, app.VerbToken, req, answer))
	}
	ask(app.TokenRequest{Do: app.TokenIssue, Application: "beta.one", Lifetime: time.Nanosecond}, &expired)
	ask(app.TokenRequest{Do: app.TokenIssue, Application: "beta.one", Lifetime: time.Hour}, &revoked)
	ask(app.TokenRequest{Do: app.TokenRevoke, ID: revoked.ID}, &gone)
	return []nobody{
		{"no credential", ""},
		{"a bad one", token.Prefix + strings.Repeat("A", 43)},
		{"no token", "xyz"},
		{"an expired one", expired.Secret},
		{"a revoked one", revoked.Secret},
		{"that for metrics", issue(t, k.app, token.Metrics)},
	}
}
