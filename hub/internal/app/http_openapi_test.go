package app_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
)

// TestOpenAPI: the document is one of OpenAPI 3.1, and describes each route that the
// hub serves. That no answer is missing is watched by every test here (startHTTP).
func TestOpenAPI(t *testing.T) {
	k := testDoor(t, app.Config{})
	got := k.ask(t, http.MethodGet, "/openapi.json", nil)
	var doc struct {
		OpenAPI    string
		Info       struct{ Title, Version string }
		Components struct{ Schemas, SecuritySchemes map[string]any }
		Paths      map[string]map[string]struct {
			OperationID, Summary string
			Security             *[]any
			Parameters           []struct {
				Name, In string
				Required bool
				Schema   any
			}
			Responses map[string]struct {
				Description string
				Content     map[string]struct{ Schema any }
			}
		}
	}
	must(t, json.Unmarshal(got.raw, &doc))
	if doc.OpenAPI != "3.1.0" || doc.Info.Title == "" || doc.Info.Version == "" {
		t.Errorf("it is %q, %+v", doc.OpenAPI, doc.Info)
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]*)"`).FindAllSubmatch(got.raw, -1) {
		if doc.Components.Schemas[string(ref[1])] == nil {
			t.Errorf("the schema %s is not there", ref[1])
		}
	}
	ids := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			what := method + " " + path
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Responses) == 0 {
				t.Errorf("%s is not described, or its id is another's", what)
			}
			ids[op.OperationID] = true
			for status, r := range op.Responses {
				if r.Description == "" || (status >= "400" && status != "503" && len(r.Content) == 0) {
					t.Errorf("%s: the answer %s is not described", what, status)
				}
			}
			for _, part := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				found := false
				for _, p := range op.Parameters {
					found = found || p.Name == part[1] && p.In == "path" && p.Required && p.Schema != nil
				}
				if !found {
					t.Errorf("%s: the parameter %s is not described", what, part[1])
				}
			}
			// it is served, and open only where it says so
			nobody := *k
			nobody.token = ""
			real := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x")
			answer := nobody.ask(t, strings.ToUpper(method), real, nil)
			if open := op.Security != nil && len(*op.Security) == 0; open == (answer.status == http.StatusUnauthorized) || answer.status == http.StatusMethodNotAllowed || answer.text("code") == "PATH" {
				t.Errorf("%s without login is answered %d", what, answer.status)
			}
		}
	}
	for _, path := range []string{"/events", "/check", "/quarantine/{event}", "/healthz", "/readyz", "/metrics", "/openapi.json"} {
		if doc.Paths[path] == nil {
			t.Errorf("%s is not described", path)
		}
	}
}
