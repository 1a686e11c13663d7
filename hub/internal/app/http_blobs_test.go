package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// TestHTTPBlobs: bytes that an event refers to come by HTTP, and go to who holds the
// event, as long as it does.
func TestHTTPBlobs(t *testing.T) {
	k := isolationDoor(t, app.Config{})
	sender, one, two := k.as(issue(t, k.app, "alpha.app")), k.as(issue(t, k.app, "beta.one")), k.as(issue(t, k.app, "beta.two"))
	bytes := strings.Repeat("Anlage ", 300_000) // 2 MB: several chunks of the store
	put := sender.ask(t, http.MethodPost, "/blobs", []byte(bytes), "Content-Type", "application/pdf")
	put.want(t, "upload", http.StatusCreated, "")
	if put.body["size"] != float64(len(bytes)) || len(put.text("sha256")) != 64 {
		t.Errorf("the answer is %s", put.raw)
	}
	if again := sender.ask(t, http.MethodPost, "/blobs", []byte(bytes)); again.text("ref") != put.text("ref") {
		t.Errorf("the same bytes are %s and %s", put.raw, again.raw)
	}
	k.as("").ask(t, http.MethodPost, "/blobs", []byte("x")).want(t, "upload of nobody", http.StatusUnauthorized, string(refusal.Auth))

	event := room{source: sourceOf("alpha", "app")}.event("with")
	sender.event(t, strings.Replace(event, secret, put.text("ref"), 1)).want(t, "the event", http.StatusAccepted, "")
	at := "/mailboxes/beta.one/blobs/" + put.text("ref")
	one.ask(t, http.MethodGet, at, nil).want(t, "before it is leased", http.StatusNotFound, string(refusal.NotFound))
	got := one.ask(t, http.MethodPost, "/mailboxes/beta.one/lease", []byte(`{"max":1,"wait":20,"lease":600}`))
	var leased struct {
		Events []struct {
			Token string
			Event struct{ Data struct{ Text string } }
		}
	}
	must(t, json.Unmarshal(got.raw, &leased))
	if len(leased.Events) != 1 || leased.Events[0].Event.Data.Text != put.text("ref") {
		t.Fatalf("leased %s", got.raw)
	}
	if down := one.ask(t, http.MethodGet, at, nil); down.status != http.StatusOK || string(down.raw) != bytes || down.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%d, %d bytes of %s", down.status, len(down.raw), down.header.Get("Content-Type"))
	}
	for what, path := range map[string]string{"another reference": "/mailboxes/beta.one/blobs/" + blobRef, "none": "/mailboxes/beta.one/blobs/x", "another's mailbox": "/mailboxes/beta.two/blobs/" + put.text("ref")} {
		one.ask(t, http.MethodGet, path, nil).want(t, what, http.StatusNotFound, string(refusal.NotFound))
	}
	two.ask(t, http.MethodGet, at, nil).want(t, "somebody else", http.StatusNotFound, string(refusal.NotFound))
	one.ask(t, http.MethodPost, "/mailboxes/beta.one/settle", fmt.Appendf(nil, `[{"token":%q,"outcome":"done"}]`, leased.Events[0].Token))
	one.ask(t, http.MethodGet, at, nil).want(t, "settled", http.StatusNotFound, string(refusal.NotFound))

	large := []byte(sender.head(http.MethodPost, "/blobs") + "Content-Length: 134217729\r\n\r\n")
	sender.send(t, large).want(t, "too large", http.StatusRequestEntityTooLarge, string(refusal.TooLarge))
}
