package zmssim_test

import (
	"net/http/httptest"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/zms/zmssim"
)

// newRecorder gives a call to the simulator without a network.
func newRecorder(s *zmssim.Server, method, path, body string) string {
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
	return rec.Body.String()
}
