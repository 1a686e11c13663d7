package console

import (
	"net"
	"net/http"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
)

// policy lets a page use what this server sends, and nothing else: no script or style
// that stands in a page, no other host, no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secured sets the headers that all answers have, and refuses what no browser sends that
// was led here by the console itself.
func (s *Server) secured(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cache-Control", "no-store")
		if s.secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !s.hosts(r.Host) { // a name that somebody else has pointed here
			http.Error(w, "Diesen Namen hat die Konsole nicht. / The console does not have this name.", http.StatusMisdirectedRequest)
			return
		}
		if err := origin.Check(r); err != nil {
			http.Error(w, "Das Formular kam von einer anderen Seite. / The form came from another site.", http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// hosts tells whether the console is reached under a host. On loopback any name of this
// machine is one, with the right port.
func (s *Server) hosts(host string) bool {
	if strings.EqualFold(host, s.base.Host) {
		return true
	}
	_, port, err := net.SplitHostPort(host)
	return err == nil && s.cfg.URL == "" && port == s.base.Port() && httpapi.Loopback(host) && httpapi.Loopback(s.base.Host)
}
