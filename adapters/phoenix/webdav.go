package phoenix

import (
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

// folder is a collection of a WebDAV server (RFC 4918).
type folder struct {
	set  webdavSettings
	http *http.Client
}

// body is what is put: a stream and its size in bytes.
type body struct {
	io.ReadCloser
	size int64
}

func bytesBody(content []byte) body {
	return body{io.NopCloser(bytes.NewReader(content)), int64(len(content))}
}

// at is the address of a name in the folder; nil is the folder itself.
func (f *folder) at(name []string) string {
	path := strings.TrimRight(f.set.URL, "/")
	for _, part := range append(f.parts(), name...) {
		path += "/" + url.PathEscape(part)
	}
	return path
}

func (f *folder) parts() []string {
	if f.set.Ordner == "" {
		return nil
	}
	return strings.Split(f.set.Ordner, "/")
}

// put brings a file to its name, whole or not at all, unless it is there already. The
// bytes go to a temporary name, the same in each try, and move from there.
func (f *folder) put(ctx context.Context, name, media string, open func() (body, error)) error {
	there, err := f.look(ctx, name)
	if err != nil || there != nil && f.set.Move {
		return err
	}
	if !f.set.Move {
		return f.direct(ctx, name, media, there, open)
	}
	temp := "." + name + ".teil"
	if err := f.write(ctx, temp, media, nil, open); err != nil {
		return err
	}
	return f.move(ctx, temp, name)
}

// direct is for servers without MOVE: the bytes go to the final name if nothing has it
// (If-None-Match), or if what is there has another length, as a try that broke off
// leaves it, and is still that (If-Match).
func (f *folder) direct(ctx context.Context, name, media string, there *file, open func() (body, error)) error {
	condition := http.Header{"If-None-Match": {"*"}}
	if there != nil {
		b, err := open()
		if err != nil {
			return err
		}
		_ = b.Close()
		if b.size == there.size {
			return nil
		}
		if condition = nil; there.etag != "" && !strings.HasPrefix(there.etag, "W/") { // a weak one never matches (RFC 9110, 13.1.1)
			condition = http.Header{"If-Match": {there.etag}}
		}
	}
	return f.write(ctx, name, media, condition, open)
}

// file is what a server says of one; the size is -1 when it does not say it.
type file struct {
	size int64
	etag string
}

// look gives nil when there is no file.
func (f *folder) look(ctx context.Context, name string) (*file, error) {
	a, err := f.do(ctx, request{method: http.MethodHead, url: f.at([]string{name})})
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusOK:
		size, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64)
		if err != nil {
			size = -1
		}
		return &file{size, a.header.Get("ETag")}, nil
	case a.status == http.StatusNotFound || a.status == http.StatusConflict:
		return nil, nil
	}
	return nil, davFault(a, "look for the file", false)
}

// write puts bytes under a name. Where the folder is missing it is made, if it may be.
func (f *folder) write(ctx context.Context, name, media string, header http.Header, open func() (body, error)) error {
	a, err := f.upload(ctx, name, media, header, open)
	if err == nil && (a.status == http.StatusConflict || a.status == http.StatusNotFound) && f.set.Anlegen {
		if err = f.make(ctx); err == nil {
			a, err = f.upload(ctx, name, media, header, open)
		}
	}
	switch {
	case err != nil:
		return err
	case a.status == http.StatusCreated || a.status == http.StatusNoContent || a.status == http.StatusOK:
		return nil
	case a.status == http.StatusPreconditionFailed: // somebody was there meanwhile; the next try looks
		return hub.Retryable("conflict", "put a file: there is another by now (HTTP 412)")
	}
	return davFault(a, "put a file", a.davError())
}

func (f *folder) upload(ctx context.Context, name, media string, header http.Header, open func() (body, error)) (*answer, error) {
	b, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.Close() }()
	h := http.Header{"Content-Type": {media}}
	for key, values := range header {
		h[key] = values
	}
	return f.do(ctx, request{method: http.MethodPut, url: f.at([]string{name}), header: h, stream: b.ReadCloser, size: b.size})
}

func (f *folder) move(ctx context.Context, from, to string) error {
	a, err := f.do(ctx, request{
		method: "MOVE", url: f.at([]string{from}), header: http.Header{"Destination": {f.at([]string{to})}, "Overwrite": {"F"}},
	})
	switch {
	case err != nil:
		return err
	case a.status == http.StatusCreated || a.status == http.StatusNoContent:
		return nil
	case a.status == http.StatusPreconditionFailed: // it is there: another try was quicker
		return f.remove(ctx, from)
	case a.status == http.StatusMethodNotAllowed || a.status == http.StatusNotImplemented:
		return hub.Retryable("no-move", "the server does not rename files (HTTP %d): set move: false", a.status)
	}
	return davFault(a, "give the file its name", false)
}

// remove takes a temporary file away, which only takes room.
func (f *folder) remove(ctx context.Context, name string) error {
	_, err := f.do(ctx, request{method: http.MethodDelete, url: f.at([]string{name})})
	return err
}

// make makes the folder, from url on downwards.
func (f *folder) make(ctx context.Context) error {
	address := strings.TrimRight(f.set.URL, "/")
	for _, part := range f.parts() {
		address += "/" + url.PathEscape(part)
		a, err := f.do(ctx, request{method: "MKCOL", url: address + "/"})
		switch {
		case err != nil:
			return err
		case a.status == http.StatusCreated || a.status == http.StatusMethodNotAllowed: // there already
		default:
			return davFault(a, "make the folder", false)
		}
	}
	return nil
}

func (f *folder) do(ctx context.Context, r request) (*answer, error) {
	if r.header == nil {
		r.header = http.Header{}
	}
	if f.set.Benutzer != "" {
		password, err := secret(f.set.Passwort)
		if err != nil {
			return nil, hub.Retryable("unauthorised", "password: %w", err)
		}
		basic := &http.Request{Header: r.header}
		basic.SetBasicAuth(f.set.Benutzer, password)
	}
	return call(ctx, f.http, r)
}

// davFault judges an answer; own: it is the folder's server itself that finds fault with
// what was put.
func davFault(a *answer, what string, own bool) error {
	f := a.refusedOf(what, own)
	if known, ok := errStatus[a.status]; ok {
		f.Code, f.After, f.Err = known.code, a.after(), errorText(what+": "+known.text)
	}
	return f
}

// davError tells an answer with DAV:error (RFC 4918, section 16), as SabreDAV gives it,
// from the page of something before the server.
func (a *answer) davError() bool {
	d := xml.NewDecoder(bytes.NewReader(a.body))
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Space == "DAV:" && start.Name.Local == "error"
		}
	}
}
