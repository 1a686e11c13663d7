package xtasim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// office brings what lies in post/ into the boxes: each .xml or .zip is a letter
// to the reader that its header names. What was closed moves to fetched/, what
// has no reader to refused/, when it has not been written to for writing. Its
// MessageID follows from the file's name, so that it stays the same over restarts.
type office struct {
	post, fetched, sent, refused, work string

	mu    sync.Mutex
	taken map[string]bool // names in post/ that are in a box
}

// writing is how long a file that is no letter may still become one: who puts it
// there with cp has not written all of it yet.
const writing = time.Second

func (o *office) isTaken(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.taken[name]
}

func (o *office) mark(name string, taken bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken[name] = taken
}

func openOffice(dir string) (*office, error) {
	o := &office{taken: map[string]bool{}}
	for name, path := range map[string]*string{
		"post": &o.post, "fetched": &o.fetched, "sent": &o.sent, "refused": &o.refused, "work": &o.work,
	} {
		*path = filepath.Join(dir, name)
	}
	return o, makeDirs(o.post, o.fetched, o.sent, o.refused, o.work)
}

// deliver looks into post/ until ctx ends.
func (o *office) deliver(ctx context.Context, s *Server, poll time.Duration, log *zap.Logger, served <-chan error) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if err := o.look(s); err != nil {
			log.Warn("XTA simulator: will look into post/ again", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-served:
			return fmt.Errorf("%w: %w", errServer, err)
		case <-tick.C:
		}
	}
}

func (o *office) look(s *Server) error {
	entries, err := os.ReadDir(o.post)
	if err != nil {
		return fmt.Errorf("read post/: %w", err)
	}
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		if !e.Type().IsRegular() || ext != ".xml" && ext != ".zip" || strings.HasPrefix(e.Name(), ".") || o.isTaken(e.Name()) {
			continue
		}
		if err := o.take(s, e.Name(), ext); err != nil {
			return err
		}
	}
	return nil
}

func (o *office) take(s *Server, name, ext string) error {
	path := filepath.Join(o.post, name)
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return fmt.Errorf("open letter: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at letter: %w", err)
	}
	m, err := xoev.ReadFile(f, xmlguard.Limits{}, nil)
	if err != nil || m.Leser.Kennung == "" {
		if time.Since(info.ModTime()) < writing {
			return nil
		}
		return os.Rename(path, filepath.Join(o.refused, name))
	}
	o.mark(name, true)
	l := letterFrom(m, name)
	l.Message = Document{Size: info.Size(), Filename: name, ContentType: contentTypes[ext], Open: func() (io.ReadCloser, error) {
		return os.Open(filepath.Clean(path))
	}}
	if info.Size() < 1<<20 { // small ones can be altered by an order
		if l.Message.Bytes, err = os.ReadFile(filepath.Clean(path)); err != nil {
			return fmt.Errorf("read letter: %w", err)
		}
		l.Message.Open = nil
	}
	l.done = func() {
		_ = os.Rename(path, filepath.Join(o.fetched, name)) // stays in post/ if that fails, and comes again
		o.mark(name, false)
	}
	s.Put(l)
	return nil
}

var contentTypes = map[string]string{".xml": "text/xml", ".zip": "application/zip"}

func letterFrom(m *xoev.Message, name string) Letter {
	kopf := m.Kopf()
	return Letter{
		MessageID: "urn:de:xta:messageid:Amtsbote_XTA_Simulator:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String(),
		Author:    wire.Party{Type: "xoev", Kennung: m.Autor.Kennung}, Reader: wire.Party{Type: "xoev", Kennung: m.Leser.Kennung},
		Test: m.IsTest, Schema: m.Namespace, Type: wire.Code{ListURI: "urn:test:nachrichten", ListVersion: kopf.Version, Code: m.Number(), Name: m.Element},
	}
}

// fileName makes the last part of a MessageID a file's name.
func fileName(id string) string {
	last := id[strings.LastIndexByte(id, ':')+1:]
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' {
			return r
		}
		return '_'
	}, last)
}

func writeFile(path string, r io.Reader) error {
	temp := path + ".part"
	f, err := os.Create(filepath.Clean(temp)) //nolint:gosec // fileName leaves no path in a name
	if err != nil {
		return fmt.Errorf("keep message: %w", err)
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(temp)) //nolint:gosec // as above
	}
	return os.Rename(temp, path) //nolint:gosec // as above
}

// config makes the server's side of TLS; nil without a certificate.
func (t serverTLS) config() (*tls.Config, error) {
	if t.Cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("read server certificate: %w", err)
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if t.ClientCA == "" {
		return out, nil
	}
	pem, err := os.ReadFile(filepath.Clean(t.ClientCA))
	if err != nil {
		return nil, fmt.Errorf("read client CA: %w", err)
	}
	out.ClientCAs, out.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !out.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("read client CA: the file has no certificate (PEM)")
	}
	return out, nil
}
