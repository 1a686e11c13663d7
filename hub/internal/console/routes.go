package console

import (
	"net/http"
	"path"
)

// Paths that other places name.
const (
	pathLogin    = "/login"
	pathLink     = "/login/link/"
	pathStart    = "/login/start"
	pathCallback = "/login/callback"
	pathLive     = "/live/" // and a page
)

// handler is all that the console serves. Each page and action has one line here and one
// file; hub/internal/console/README.md tells how to add one.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{name}", asset)
	mux.HandleFunc("GET /login", s.open((*request).login))
	mux.HandleFunc("GET /login/link/{link}", s.open((*request).enter))
	mux.HandleFunc("GET /login/start", s.open((*request).startLogin))
	mux.HandleFunc("GET /login/callback", s.open((*request).callback))
	mux.HandleFunc("POST /settings", s.open((*request).settings))
	mux.HandleFunc("POST /logout", s.inside((*request).logout))

	mux.HandleFunc("GET /{$}", s.inside((*request).overview))
	mux.HandleFunc("GET /live/overview", s.inside((*request).liveOverview))
	mux.HandleFunc("GET /tail", s.inside((*request).tail))
	mux.HandleFunc("GET /live/tail", s.inside((*request).liveTail))
	mux.HandleFunc("GET /search", s.inside((*request).find))
	mux.HandleFunc("GET /event", s.inside((*request).event))
	mux.HandleFunc("POST /event/look", s.inside((*request).look))
	mux.HandleFunc("GET /case", s.inside((*request).timeline))
	mux.HandleFunc("GET /quarantine", s.inside((*request).quarantine))
	mux.HandleFunc("GET /quarantine/group", s.inside((*request).refusals))
	mux.HandleFunc("GET /quarantine/{seq}", s.inside((*request).refusal))
	mux.HandleFunc("POST /quarantine/{seq}/look", s.inside((*request).lookRefused))
	mux.HandleFunc("POST /quarantine/{seq}/act", s.inside((*request).clear))
	mux.HandleFunc("GET /quarantine/{seq}/edit", s.inside((*request).editRefused))
	mux.HandleFunc("POST /quarantine/{seq}/edit", s.inside((*request).resubmitEdited))
	mux.HandleFunc("POST /quarantine/{seq}/work", s.inside((*request).workOnRefused))
	mux.HandleFunc("POST /quarantine/group/work", s.inside((*request).workOnGroup))
	mux.HandleFunc("GET /quarantine/bulk", s.inside((*request).previewRun))
	mux.HandleFunc("POST /quarantine/bulk", s.inside((*request).startRun))
	mux.HandleFunc("GET /quarantine/runs", s.inside((*request).runs))
	mux.HandleFunc("POST /quarantine/runs", s.inside((*request).stopRun))
	mux.HandleFunc("GET /parked", s.inside((*request).parkedKeys))
	mux.HandleFunc("POST /parked", s.inside((*request).unpark))
	mux.HandleFunc("GET /replays", s.inside((*request).replays))
	mux.HandleFunc("GET /replays/new", s.inside((*request).newReplay))
	mux.HandleFunc("POST /replays/look", s.inside((*request).lookReplay))
	mux.HandleFunc("POST /replays", s.inside((*request).wantReplay))
	mux.HandleFunc("GET /replays/{run}", s.inside((*request).oneReplay))
	mux.HandleFunc("POST /replays/{run}", s.inside((*request).actReplay))
	mux.HandleFunc("GET /streams", s.inside((*request).streams))
	mux.HandleFunc("GET /streams/mailbox", s.inside((*request).boxOf))
	mux.HandleFunc("GET /streams/in", s.inside((*request).inOf))
	mux.HandleFunc("GET /streams/adapter", s.inside((*request).adapterOf))
	mux.HandleFunc("POST /streams/pause", s.inside((*request).pause))
	mux.HandleFunc("GET /catalogue", s.inside((*request).catalogue))
	mux.HandleFunc("GET /catalogue/{type}", s.inside((*request).eventType))
	mux.HandleFunc("GET /agreements", s.inside((*request).agreements))
	mux.HandleFunc("GET /agreements/{id}", s.inside((*request).agreement))
	mux.HandleFunc("GET /matrix", s.inside((*request).matrix))
	mux.HandleFunc("GET /organisations", s.inside((*request).organisations))
	mux.HandleFunc("GET /organisations/{id}", s.inside((*request).organisationPage))
	mux.HandleFunc("GET /acts", s.inside((*request).acts))
	mux.HandleFunc("/", s.open(func(q *request) error { return q.noRoute(mux) }))
	return s.secured(mux)
}

// noRoute tells an address that takes another method from one that there is not.
func (q *request) noRoute(mux *http.ServeMux) error {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := q.r.Clone(q.r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" {
			q.w.Header().Set("Allow", method)
			return &refused{status: http.StatusMethodNotAllowed}
		}
	}
	return errNotFound
}

// types of assets; nothing else is served.
var types = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	raw, err := files.ReadFile("assets/" + name)
	kind := types[path.Ext(name)]
	if err != nil || kind == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(raw) //nolint:gosec // an embedded file
}
