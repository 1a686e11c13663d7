package phoenixsim

import (
	"crypto/subtle"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/net/webdav"
)

// Options of a server.
type Options struct {
	// Admin and Password are who may notify users, and write files.
	Admin, Password string
	// Users that can be notified.
	Users []string
	// Dir is where files are kept; "" keeps them in memory.
	Dir string
}

// Notification is what a user was told.
type Notification struct {
	User  string `json:"user"`
	Short string `json:"shortMessage"`
	Long  string `json:"longMessage"`
}

// Server is a simulated Nextcloud. It is safe for concurrent use.
type Server struct {
	opt   Options
	mux   *http.ServeMux
	ended chan struct{}
	end   sync.Once

	mu     sync.Mutex
	all    []Notification
	orders []Order
	calls  map[string]int
}

// kept is how many notifications are remembered.
const kept = 10_000

// Bounds of a notification in characters.
const (
	maxShort = 255
	maxLong  = 4000
)

// New makes a server.
func New(opt Options) *Server {
	s := &Server{opt: opt, mux: http.NewServeMux(), ended: make(chan struct{}), calls: map[string]int{}}
	files := webdav.FileSystem(webdav.NewMemFS())
	if opt.Dir != "" {
		files = webdav.Dir(opt.Dir)
	}
	prefix := "/remote.php/dav/files/" + opt.Admin
	dav := &webdav.Handler{Prefix: prefix, FileSystem: files, LockSystem: webdav.NewMemLS()}
	s.mux.HandleFunc("POST /ocs/v2.php/apps/notifications/api/v2/admin_notifications/{user}", s.disturbed(s.allowed(s.notify)))
	s.mux.HandleFunc(prefix+"/", s.disturbed(s.allowed(dav.ServeHTTP)))
	s.mux.HandleFunc("POST /sim/fehler", s.orderFault)
	s.mux.HandleFunc("GET /sim/stand", s.status)
	return s
}

// Stop lets go of calls that a fault holds.
func (s *Server) Stop() { s.end.Do(func() { close(s.ended) }) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Notifications gives all that users were told, oldest first.
func (s *Server) Notifications() []Notification {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Notification{}, s.all...)
}

// allowed lets the administrator pass.
func (s *Server) allowed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if subtle.ConstantTimeCompare([]byte(user+"\x00"+password), []byte(s.opt.Admin+"\x00"+s.opt.Password)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="Authorisation Required"`)
			ocs(w, r, http.StatusUnauthorized, "Current user is not logged in")
			return
		}
		next(w, r)
	}
}

// notify is admin_notifications/{user}: 200, 400 for texts that are too long or
// empty, 404 for a user that nobody knows.
func (s *Server) notify(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("OCS-APIRequest") != "true" {
		ocs(w, r, http.StatusPreconditionFailed, "CSRF check failed")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if r.ParseForm() != nil {
		ocs(w, r, http.StatusBadRequest, "")
		return
	}
	n := Notification{User: r.PathValue("user"), Short: r.PostForm.Get("shortMessage"), Long: r.PostForm.Get("longMessage")}
	known := false
	for _, user := range s.opt.Users {
		known = known || strings.EqualFold(user, n.User)
	}
	switch {
	case !known:
		ocs(w, r, http.StatusNotFound, "")
		return
	case n.Short == "" || utf8.RuneCountInString(n.Short) > maxShort || utf8.RuneCountInString(n.Long) > maxLong:
		ocs(w, r, http.StatusBadRequest, "")
		return
	}
	s.mu.Lock()
	s.all = append(s.all, n)
	s.all = s.all[max(0, len(s.all)-kept):]
	s.mu.Unlock()
	ocs(w, r, http.StatusOK, "OK")
}

type meta struct {
	Status  string `json:"status" xml:"status"`
	Code    int    `json:"statuscode" xml:"statuscode"`
	Message string `json:"message" xml:"message"`
}

// ocs answers in the envelope of OCS version 2: XML unless JSON is asked for.
func ocs(w http.ResponseWriter, r *http.Request, status int, message string) {
	m := meta{"ok", status, message}
	if status >= 400 {
		m.Status = "failure"
	}
	if strings.Contains(r.Header.Get("Accept"), "json") {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"ocs": map[string]any{"meta": m, "data": []any{}}})
		return
	}
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"ocs"`
		Meta    meta     `xml:"meta"`
	}{Meta: m})
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.Notifications())
}
