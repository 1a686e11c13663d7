// Package clients_test runs every client of this folder against the hub, as people
// start both: each is a process of its own, with credentials from the real commands.
package clients_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// The applications of the folder verbund.
const (
	sender   = "rz.melderegister"
	overNATS = "musterstadt.kfz"
	overHTTP = "musterstadt.abfall"
)

// client is one of this folder.
type client struct {
	name  string
	takes string   // the mailbox that it empties
	needs []string // commands that must be there
	start []string // "send FILE" or "receive" follows
}

// all clients but C#, which is shown only.
var all = []client{
	{"curl", overHTTP, []string{"bash", "curl"}, []string{"bash", "curl/client.sh"}},
	{"nats", overNATS, []string{"bash", "go"}, []string{"bash", "nats/client.sh"}},
	{"go-http", overHTTP, nil, []string{"go-http"}},
	{"go-nats", overNATS, nil, []string{"go-nats"}},
	{"node-http", overHTTP, []string{"node", "npm"}, []string{"node", "node/http.mjs"}},
	{"node-nats", overNATS, []string{"node", "npm"}, []string{"node", "node/nats.mjs"}},
	{"java", overHTTP, []string{"java", "javac"}, []string{"java", "java/Client.java"}},
}

// TestClients has each client send an event and receive its copy. Every event goes to
// both mailboxes: a client of the other way takes the other copy, so that what is
// sent in one way arrives in both.
func TestClients(t *testing.T) {
	if raceBuild {
		t.Skip("the clients and the hub are processes of their own, which the race detector does not see; they run without it")
	}
	dir := lay(t)
	h := serve(t, dir)
	ready := available(dir)
	others := map[string]int{}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			if why := ready[c.name]; why != "" {
				missing(t, c.name+" did not run: "+why)
			}
			id := h.send(t, c)
			var both errgroup.Group
			for _, r := range []client{c, other(c, ready, others)} {
				both.Go(func() error { return h.receive(r, id) })
			}
			if err := both.Wait(); err != nil {
				t.Error(err)
			}
			h.done(t, id)
		})
	}
	t.Run("receipts", func(t *testing.T) { h.receipts(t) })
}

// other is a client that empties the other mailbox, each in its turn.
func other(c client, ready map[string]string, turn map[string]int) client {
	candidates := slices.DeleteFunc(slices.Clone(all), func(o client) bool {
		return o.takes == c.takes || ready[o.name] != ""
	})
	turn[c.takes]++
	return candidates[turn[c.takes]%len(candidates)]
}

// missing skips, or fails where everything must run.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("AMTSBOTE_INTEROP") == "must" || os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

var sent = regexp.MustCompile(`(?m)^sent (\S+)$`)

// send has the sender's application send an event, and gives its id.
func (h *hub) send(t *testing.T, c client) string {
	t.Helper()
	out, err := h.run(c, sender, "send", "daten.json")
	if err != nil {
		t.Fatal(err)
	}
	m := sent.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no line tells what was sent: %s", out)
	}
	return m[1]
}

// receive has the client take one copy, which must be of this event, and hold what
// the agreement discloses and nothing else.
func (h *hub) receive(c client, id string) error {
	out, err := h.run(c, c.takes, "receive")
	if err != nil {
		return err
	}
	if !strings.Contains(out, id) || !strings.Contains(out, "Ahornallee") {
		return fmt.Errorf("%s received something else: %s", c.name, out)
	}
	if strings.Contains(out, "Beispiel") || strings.Contains(out, "1990") {
		return fmt.Errorf("%s received fields that are not disclosed: %s", c.name, out)
	}
	return nil
}

// receipts of the first event: the sender is told who got it.
func (h *hub) receipts(t *testing.T) {
	out, err := h.run(all[0], sender, "receive")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"de.amtsbote.ereignis-angenommen.v1", overNATS, overHTTP} {
		if !strings.Contains(out, want) {
			t.Errorf("the receipt does not name %s: %s", want, out)
		}
	}
}
