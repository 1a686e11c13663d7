package httpapi

import (
	"net/http"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

func TestModeOf(t *testing.T) {
	for said, want := range map[string]any{
		"application/cloudevents+json": structured, "Application/CloudEvents+JSON; charset=UTF-8": structured,
		"application/cloudevents-batch+json": batched, "application/json": refusal.MediaType, "": refusal.MediaType,
		"application/cloudevents+xml": refusal.MediaType, "application/cloudevents": refusal.MediaType, "application/cloudevents+json; charset=utf-16": refusal.MediaType,
		"application/cloudevents+json;": structured, "application/cloudevents+json; charset": refusal.MediaType,
	} {
		got, r := modeOf(http.Header{"Content-Type": {said}})
		if r != nil && r.Code != want || r == nil && got != want {
			t.Errorf("%q is mode %v, %v, want %v", said, got, r, want)
		}
	}
	if m, r := modeOf(http.Header{"Ce-Id": {"1"}}); m != binary || r != nil {
		t.Errorf("attributes without content type are mode %v, %v", m, r)
	}
	for _, h := range []http.Header{{"Content-Type": {typeEvent, typeEvent}}, {"Content-Type": {typeEvent}, "Content-Encoding": {"gzip"}}} {
		if _, r := modeOf(h); r == nil {
			t.Errorf("%v is taken", h)
		}
	}
}

func TestHeaderValue(t *testing.T) {
	for in, want := range map[string]string{
		`plain`: `plain`, `%C3%BC`: `%C3%BC`, `ü b`: `%C3%BC%20b`, `"a b"`: `a%20b`, `"a\"\\b%20"`: `a%22\b%20`, `""`: ``,
		`"open`: `%`, `"a"b`: `%`, `"a\`: `%`, `a"b`: `a%22b`,
	} {
		if got := headerValue(in); got != want {
			t.Errorf("%s is stored as %q, want %q", in, got, want)
		}
	}
}

func TestLanguage(t *testing.T) {
	for said, want := range map[string]string{
		"": "de", "en": "en", "en-US,en;q=0.9": "en", "fr, en;q=0.3": "en", "de;q=0.2, en;q=0.3": "en", "en;q=0.2, de": "de", "fr": "de", "en;q=0": "de", "en;q=2": "de", "EN": "en",
	} {
		if got := Language(&http.Request{Header: http.Header{"Accept-Language": {said}}}); got != want {
			t.Errorf("%q is answered in %s, want %s", said, got, want)
		}
	}
}

func TestStrictly(t *testing.T) {
	for said, want := range map[string]bool{
		"handling=strict": true, "respond-async, Handling = \"strict\" ; x=1": true, "handling=lenient": false, "strict": false, "": false,
	} {
		if got := strictly(http.Header{"Prefer": {said}}); got != want {
			t.Errorf("%q is strict: %v", said, got)
		}
	}
}

func TestQuarantinePath(t *testing.T) {
	at := decision.Ref{In: "EDGE_a", Seq: 7}
	path := QuarantinePath("urn:x:ü/..", "a/b?", at)
	source, id, place, ok := named(path[len("/quarantine/"):])
	if !ok || source != "urn:x:ü/.." || id != "a/b?" || place != at {
		t.Errorf("%s names %q, %q, %v, %v", path, source, id, place, ok)
	}
	for _, s := range []string{"", "!", "AAAA", path[12:] + "="} {
		if _, _, _, ok := named(s); ok {
			t.Errorf("%q names something", s)
		}
	}
}

// TestEveryRefusalHasItsStatus: what a status is for is decided here for each code.
func TestEveryRefusalHasItsStatus(t *testing.T) {
	kept := 0
	for _, c := range refusal.Codes() {
		switch s := statusOf(c); s {
		case http.StatusUnprocessableEntity:
			kept++
		case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusInternalServerError:
		default:
			t.Errorf("%s is answered %d", c, s)
		}
	}
	if kept != 11 {
		t.Errorf("%d codes are kept in quarantine", kept)
	}
}
