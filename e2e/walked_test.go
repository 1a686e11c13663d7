package e2e_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// walked names for each route of the console the walk that proves it.
var walked = map[string]string{
	"GET /assets/{name}":          "look",
	"GET /login":                  "login",
	"GET /login/link/{link}":      "look",
	"GET /login/start":            "login",
	"GET /login/callback":         "login",
	"POST /settings":              "scriptless",
	"POST /logout":                "scriptless",
	"GET /{$}":                    "look",
	"GET /live/overview":          "live",
	"GET /tail":                   "look",
	"GET /live/tail":              "firstday",
	"GET /search":                 "look",
	"GET /event":                  "look",
	"POST /event/look":            "scriptless",
	"GET /case":                   "look",
	"GET /quarantine":             "look",
	"GET /quarantine/group":       "look",
	"GET /quarantine/{seq}":       "look",
	"POST /quarantine/{seq}/look": "keyboard",
	"POST /quarantine/{seq}/act":  "acts",
	"GET /quarantine/{seq}/edit":  "keyboard",
	"POST /quarantine/{seq}/edit": "acts",
	"POST /quarantine/{seq}/work": "acts",
	"POST /quarantine/group/work": "acts",
	"GET /quarantine/bulk":        "look",
	"POST /quarantine/bulk":       "clear",
	"GET /quarantine/runs":        "look",
	"POST /quarantine/runs":       "stuck",
	"GET /parked":                 "look",
	"POST /parked":                "stuck",
	"GET /replays":                "look",
	"GET /replays/new":            "look",
	"POST /replays/look":          "replay",
	"POST /replays":               "replay",
	"GET /replays/{run}":          "replay",
	"POST /replays/{run}":         "replay",
	"GET /streams":                "look",
	"GET /streams/mailbox":        "look",
	"GET /streams/in":             "look",
	"GET /streams/adapter":        "look",
	"POST /streams/pause":         "acts",
	"GET /catalogue":              "look",
	"GET /catalogue/{type}":       "look",
	"GET /agreements":             "look",
	"GET /agreements/{id}":        "look",
	"GET /matrix":                 "look",
	"GET /organisations":          "look",
	"GET /organisations/{id}":     "look",
	"GET /acts":                   "look",
}

var routeLine = regexp.MustCompile(`mux\.HandleFunc\("((?:GET|POST) [^"]+)"`)

// TestEveryRouteHasAWalk: a page or an act that the console gets needs a walk; that the
// walk does what it is named for is seen when it has run.
func TestEveryRouteHasAWalk(t *testing.T) {
	raw, err := os.ReadFile("../hub/internal/console/routes.go")
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	for _, m := range routeLine.FindAllSubmatch(raw, -1) {
		routes = append(routes, string(m[1]))
		if walked[string(m[1])] == "" {
			t.Errorf("no walk is named for %s", m[1])
		}
	}
	if len(routes) == 0 || len(routes) != bytes.Count(raw, []byte(`.HandleFunc("`))-1 { // but for what is not found
		t.Errorf("%d routes are read", len(routes))
	}
	for route := range walked {
		if !slices.Contains(routes, route) {
			t.Errorf("a walk is named for %s, which is no route", route)
		}
	}
}

// walk runs a script with walks in the browser: it fails when one of them does, and when
// one has left out a route that it is named for.
func (h *hub) walk(t *testing.T, browser, script, walks string, env ...string) {
	t.Helper()
	var told bytes.Buffer
	cmd := exec.Command("node", script)
	cmd.Dir = h.node
	cmd.Env = append(os.Environ(), append(env, "CHROMIUM="+browser, "CONSOLE="+h.console, "WALKS="+walks, "SHOTS="+os.Getenv("AMTSBOTE_SHOTS"))...)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&told, t.Output()), t.Output()
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
	if t.Failed() || os.Getenv("AMTSBOTE_PAGES") != "" {
		return
	}
	had := routesOf(t, told.String())
	for route, name := range walked {
		if slices.Contains(strings.Fields(walks), name) && !had[name+" "+route] {
			t.Errorf("the walk %s does not come to %s", name, route)
		}
	}
}

var walkedLine = regexp.MustCompile(`(?m)^WALKED (\S+) (GET|POST) (\S+)$`)

// routesOf reads which routes the walks had an answer from.
func routesOf(t *testing.T, told string) map[string]bool {
	t.Helper()
	mux := http.NewServeMux()
	for route := range walked {
		mux.Handle(route, http.NotFoundHandler())
	}
	had := map[string]bool{}
	for _, m := range walkedLine.FindAllStringSubmatch(told, -1) {
		req, err := http.NewRequestWithContext(t.Context(), m[2], m[3], http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_, route := mux.Handler(req)
		had[m[1]+" "+route] = true
	}
	return had
}
