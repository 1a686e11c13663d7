package eaktesim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/eakte/eaktesim"
)

// The calls of the OpenAPI of 1.2.5: required header and fields, references in both
// forms, 401 and DmsErrorResponse.
func TestCalls(t *testing.T) {
	s := eaktesim.New()
	h := s.Handler()
	for _, c := range []struct {
		call, body string
		status     int
		contains   string
	}{
		{"POST /api/files", `{"shortname":"t"}`, 400, `"fehlerQuelle":"DMS"`},
		{"POST /api/files", `[`, 400, `"fehlerQuelle":"INTERN"`},
		{"POST /api/files", `{"apentry":"COO.1.1.1.1","shortname":"t","filesubj":"Amtsbote-1"}`, 200, `"objid":"COO.1.2301.1.1042406"`},
		{"POST /api/files/search", `{"apentry":"COO.1.1.1.1","filesubj":"Amtsbote-1"}`, 200, `"objaddress":"COO.1.2301.1.1042406"`},
		{"GET /api/files/COO.1.2301.1.1042406", "", 200, `"filesubj":"Amtsbote-1"`},
		{"GET /api/files/COO.1.1.1.9", "", 400, `"status":404`},
		{"POST /api/procedures", `{"referrednumber":"COO.1.2301.1.1042406"}`, 200, "COO.1.2301.1.1042407"},
		{"POST /api/procedures", `{"referrednumber":"COO.1.2301.1.1042407"}`, 400, "DMS"},
		{"GET /api/procedureObjects/COO.1.2301.1.1042407", "", 200, `"giobjecttype":[]`},
		{"POST /api/incomings", `{}`, 400, "INTERN"},
		{"POST /sim/fehler", `{"art":"503"}`, 204, ""},
		{"GET /api/files/COO.1.2301.1.1042406", "", 503, ""},
		{"POST /sim/fehler", `{"art":"nie"}`, 400, ""},
	} {
		if status, body := ask(h, c.call, c.body, "amtsbote.dienst"); status != c.status || !strings.Contains(body, c.contains) {
			t.Errorf("%s %s: %d %s", c.call, c.body, status, body)
		}
	}
	if status, _ := ask(h, "GET /api/files/COO.1.2301.1.1042406", "", ""); status != http.StatusBadRequest {
		t.Error("userlogin is not required:", status)
	}
	s.Yaml = true
	if _, body := ask(h, "POST /api/files/search", `{"apentry":"COO.1.1.1.1","filesubj":"Amtsbote-1"}`, "x"); !strings.Contains(body, `"id":"COO.1.2301.1.1042406"`) {
		t.Error(body)
	}
	s.Token = "t"
	if status, _ := ask(h, "GET /api/files/COO.1.2301.1.1042406", "", "x"); status != http.StatusUnauthorized {
		t.Error(status)
	}
}

func ask(h http.Handler, call, body, user string) (int, string) {
	method, path, _ := strings.Cut(call, " ")
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("userlogin", user)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec.Code, rec.Body.String()
}

func TestSettings(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"{listen: '0.0.0.0:1'}", "listen"}, {"{benutzer: b}", "passwort"}, {"{form: xml}", "form"}, {"{unbekannt: 1}", "unbekannt"},
	} {
		if err := eaktesim.Simulator().Run(t.Context(), adaptertest.Env(t.TempDir()), adaptertest.Settings(c.yaml)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.yaml, err)
		}
	}
}
