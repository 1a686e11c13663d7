package open311_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
)

type photoServer struct{ url, host string }

func newPhotoServer(t *testing.T) photoServer {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/foto.jpg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = io.WriteString(w, "\xff\xd8\xff kein echtes Foto")
	})
	mux.HandleFunc("/seite", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>")
	})
	mux.HandleFunc("/umleitung", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/foto.jpg", http.StatusFound) })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return photoServer{s.URL, strings.TrimPrefix(s.URL, "http://")}
}

// blob reads what is stored behind a reference.
func blob(t testing.TB, in *adaptertest.Intake, ref string) string {
	t.Helper()
	r, err := in.Blobs().Open(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
