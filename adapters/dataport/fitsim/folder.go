package fitsim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// folder is the citizen's: each directory in antraege/ with an antrag.json (an
// Application) is handed in, with its other files as attachments in the order of their names,
// and moves to eingereicht/, or to abgelehnt/ with the reason. Fill it elsewhere,
// and rename it into place.
type folder struct{ in, done, refused string }

func openFolder(dir string) (*folder, error) {
	f := &folder{filepath.Join(dir, "antraege"), filepath.Join(dir, "eingereicht"), filepath.Join(dir, "abgelehnt")}
	for _, d := range []string{f.in, f.done, f.refused} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return nil, fmt.Errorf("make directory: %w", err)
		}
	}
	return f, nil
}

const applicationFile = "antrag.json"

// watch looks again and again until ctx ends.
func (f *folder) watch(ctx context.Context, s *Server, poll time.Duration, log *zap.Logger) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if err := f.look(s, log); err != nil {
			log.Warn("FIT-Connect simulator: will look into antraege/ again", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (f *folder) look(s *Server, log *zap.Logger) error {
	entries, err := os.ReadDir(f.in)
	if err != nil {
		return fmt.Errorf("read antraege/: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		from, to := filepath.Join(f.in, e.Name()), filepath.Join(f.done, e.Name())
		done, err := submitFolder(s, from)
		if err != nil {
			to = filepath.Join(f.refused, e.Name())
			if err := os.WriteFile(filepath.Join(from, "fehler.txt"), []byte(err.Error()+"\n"), 0o600); err != nil {
				return fmt.Errorf("say why it was refused: %w", err)
			}
		}
		if err := os.Rename(from, to); err != nil {
			return fmt.Errorf("move what was handed in: %w", err)
		}
		log.Info("FIT-Connect simulator: handed in", zap.String("submission", done.Submission), zap.Bool("refused", err != nil))
	}
	return nil
}

func submitFolder(s *Server, dir string) (Submitted, error) {
	raw, err := os.ReadFile(filepath.Join(dir, applicationFile)) //nolint:gosec // below the simulator's folder
	if err != nil {
		return Submitted{}, fmt.Errorf("read %s: %w", applicationFile, err)
	}
	var app Application
	if err := json.Unmarshal(raw, &app); err != nil {
		return Submitted{}, fmt.Errorf("read %s: %w", applicationFile, err)
	}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return Submitted{}, err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !e.Type().IsRegular() || e.Name() == applicationFile })
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		kind, _, err := mime.ParseMediaType(mime.TypeByExtension(filepath.Ext(e.Name())))
		if err != nil {
			kind = "application/octet-stream"
		}
		app.Attachments = append(app.Attachments, Attachment{
			Filename: e.Name(), Type: kind, Open: func() (io.ReadCloser, error) { return os.Open(filepath.Clean(path)) },
		})
	}
	return s.Submit(app)
}
