package phoenix_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/hub"
)

// dav is a WebDAV server that says what it is told to say.
type dav struct {
	mu   sync.Mutex
	head http.Header // of a file that is there; nil: there is none
	put  func(http.ResponseWriter, *http.Request)
}

func (d *dav) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case r.Method == http.MethodHead && d.head == nil:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodHead:
		for key, values := range d.head {
			w.Header()[key] = values
		}
	case r.Method == http.MethodPut:
		d.put(w, r)
	default:
		w.WriteHeader(http.StatusCreated)
	}
}

func (d *dav) share(t *testing.T) *share {
	t.Helper()
	s := &share{url: serve(t, d).URL, user: "amtsbote", dir: t.TempDir()}
	write(t, s.dir, "passwort", password)
	return s
}

// What something before the server refuses, or in no form of WebDAV, is not final.
func TestWebDAVForeignRefusal(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 413} {
		for _, page := range []string{"", "<html>Zaunkönig</html>", "<error/>", `<d:multistatus xmlns:d="DAV:"><d:error/></d:multistatus>`, "<"} {
			s := (&dav{put: says(status, page)}).share(t)
			f := hub.FaultOf(s.sink(t, "").Deliver(t.Context(), delivery(1)))
			if f == nil || f.Permanent || strings.Contains(f.Error(), "Zaunkönig") {
				t.Errorf("%d %s: %v", status, page, f)
			}
		}
	}
}

// A document without content is sent with its length, too.
func TestWebDAVEmptyDocument(t *testing.T) {
	t.Parallel()
	var chunked bool
	var puts int
	d := &dav{put: func(w http.ResponseWriter, r *http.Request) {
		puts++
		chunked = chunked || len(r.TransferEncoding) > 0
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
	}}
	s := d.share(t)
	if err := s.sink(t, ", dokumente: true").Deliver(t.Context(), withDocuments(documents{"blob:a": nil, "blob:b": nil})); err != nil {
		t.Fatal(err)
	}
	if d.mu.Lock(); chunked || puts != 3 {
		t.Error(chunked, puts)
	}
	d.mu.Unlock()
}

// A weak ETag never satisfies If-Match: without a strong one half a file is replaced all
// the same.
func TestWebDAVWeakTag(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{`W/"1"`: "", `"1"`: `"1"`, "": ""} {
		var got string
		d := &dav{head: http.Header{"Content-Length": {"3"}, "Etag": {tag}}}
		d.put = func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Get("If-Match")
			w.WriteHeader(http.StatusNoContent)
		}
		if err := d.share(t).sink(t, ", move: false").Deliver(t.Context(), delivery(1)); err != nil {
			t.Fatal(err)
		}
		if d.mu.Lock(); got != want {
			t.Errorf("%s: If-Match %q", tag, got)
		}
		d.mu.Unlock()
	}
}
