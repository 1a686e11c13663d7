package webhook

import (
	"net/http"

	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// ConsentPath is where receivers consent by callback; the application and the
// parameter key follow.
const ConsentPath = "/webhooks/consent/"

// Routes are what receivers ask: consent by callback, GET or POST (webhook
// specification, 4.1.3). hook gives an application's webhook; nil: it has none.
func Routes(hook func(application string) *Hook) []httpapi.Route {
	handle := func(w http.ResponseWriter, r *http.Request, _ *httpapi.Principal) error {
		ok, err := false, error(nil)
		if h := hook(r.PathValue("app")); h != nil {
			ok, err = h.Consent(r.Context(), r.URL.Query().Get("key"), r.Header.Values(headerAllowedRate))
		}
		if err != nil {
			return err
		}
		if !ok {
			return httpapi.NewProblem(http.StatusNotFound, refusal.NotFound)
		}
		httpapi.WriteJSON(w, http.StatusOK, map[string]bool{"consent": true})
		return nil
	}
	var out []httpapi.Route
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		id := "consentByBrowser"
		if method == http.MethodPost {
			id = "consent"
		}
		out = append(out, httpapi.Route{
			Method: method, Path: ConsentPath + "{app}", Open: true, Handle: handle,
			Operation: httpapi.Operation{
				ID: id, Summary: "Consents to the deliveries of a webhook (CloudEvents web hooks, 4.1.3).",
				Detail: "The address with its key stands in `WebHook-Request-Callback` of the hub's handshake. Without `WebHook-Allowed-Rate` the rate asked for is allowed.",
				Params: []httpapi.Param{
					{Name: "app", In: "path", Required: true, Detail: "The receiving application.", Schema: httpapi.Schema{"type": "string"}},
					{Name: "key", In: "query", Required: true, Detail: "What the handshake said; good once.", Schema: httpapi.Schema{"type": "string"}},
					{Name: headerAllowedRate, In: "header", Detail: "Requests a minute, or *.", Schema: httpapi.Schema{"type": "string"}},
				},
				Answers: []httpapi.Answer{
					httpapi.JSONAnswer(http.StatusOK, "Consent is noted; deliveries begin.", httpapi.Schema{
						"type": "object", "additionalProperties": false, "required": []string{"consent"}, "properties": map[string]any{"consent": httpapi.Schema{"const": true}},
					}),
					httpapi.ProblemAnswer(http.StatusNotFound, "No consent is awaited with this key, or its rate cannot be read."),
				},
			},
		})
	}
	return out
}
