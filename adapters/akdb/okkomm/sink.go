package okkomm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/eai"
	"github.com/amtsbote/amtsbote/adapters/akdb/spool"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

// typeNachricht is the event that carries a question in its original, and the one
// that an answer becomes.
const typeNachricht = "de.xoev.nachricht.v1"

// The codes of faults.
const (
	unmappable = "unmappable"
	unanswered = "unanswered"
)

// sink asks OK.KOMM what events ask, once for each delivery, and lays the answer
// where the source takes it.
type sink struct {
	set settings

	mu     sync.Mutex
	client *Client // once it was needed: the files of the settings may come later
}

var _ hub.Sink = (*sink)(nil)

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decodeSettings(env, s)
	if err != nil {
		return nil, err
	}
	if err := set.Xoev.Check(env, s, "xoevservice"); err != nil {
		return nil, err
	}
	if err := set.mkdir(); err != nil {
		return nil, err
	}
	set.Xoev.OneByOne = true
	return &sink{set: set}, forget(filepath.Join(set.Dir, "gefragt"), time.Now().Add(-markKept))
}

// markKept is how long it is known that a question was asked; longer than the
// hub's horizon of 30 days.
const markKept = 60 * 24 * time.Hour

// forget removes old marks.
func forget(dir string, before time.Time) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look through marks: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !info.ModTime().Before(before) || filepath.Ext(e.Name()) != ".gefragt" {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a mark: %w", err)
		}
	}
	return nil
}

// Deliver implements hub.Sink. The answer is written beside the mark that the
// question was asked before it goes to the source: asked again after a crash, the
// register would give another answer with another UUID.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	name := "d-" + d.ID
	answer := filepath.Join(s.set.Dir, "gefragt", name+".antwort")
	mark := filepath.Join(s.set.Dir, "gefragt", name+".gefragt")
	if !exists(answer) {
		if exists(mark) {
			return nil
		}
		content, err := s.ask(ctx, d)
		if err != nil {
			return err
		}
		if err := spool.Replace(answer, content); err != nil {
			return fmt.Errorf("keep answer: %w", err)
		}
	}
	if err := spool.Replace(mark, nil); err != nil {
		return fmt.Errorf("mark the question as asked: %w", err)
	}
	if err := spool.Move(answer, s.set.in(name+".xml")); err != nil {
		return fmt.Errorf("hand on answer: %w", err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (s *sink) open() (*Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	gateway, err := s.set.Xoev.Open()
	if err != nil {
		return nil, err
	}
	s.client = &Client{EAI: gateway}
	return s.client, nil
}

func (s *sink) ask(ctx context.Context, d hub.Delivery) ([]byte, error) {
	question, err := s.question(ctx, d)
	if err != nil {
		return nil, err
	}
	client, err := s.open()
	if err != nil {
		return nil, hub.Retryable("settings", "ask OK.KOMM: %w", err)
	}
	answer, err := client.Ask(ctx, question)
	switch {
	case err == nil:
		return answer.Bytes, nil
	case eai.IsBlocking(err):
		return nil, hub.Retryable(eai.Code(err), "ask OK.KOMM: %w", err)
	}
	return nil, hub.Permanent(unanswered, "ask OK.KOMM: %w", err)
}

// question is the event's original, if that is a message that may be asked.
func (s *sink) question(ctx context.Context, d hub.Delivery) ([]byte, error) {
	var data struct {
		Original *xoev.Original `json:"original"`
	}
	if d.Event.Context == nil || d.Event.Type() != typeNachricht || json.Unmarshal(d.Event.Data(), &data) != nil || data.Original == nil {
		return nil, hub.Permanent(unmappable, "the event is no XÖV message with its original")
	}
	r, err := d.Blobs.Open(ctx, data.Original.Ref)
	if err != nil {
		return nil, fmt.Errorf("read the question: %w", err)
	}
	defer func() { _ = r.Close() }()
	content, err := io.ReadAll(io.LimitReader(r, eai.MaxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the question: %w", err)
	}
	h, err := xoev.ReadHeader(bytes.NewReader(content), limits())
	switch {
	case err != nil || h.UUID == "":
		return nil, hub.Permanent(unmappable, "the original is no XÖV message")
	case !strings.EqualFold(h.Standard, "XMeld") || !slices.Contains(s.set.Fragen, h.Number()):
		return nil, hub.Permanent(unmappable, "the original is no question that may be asked (setting fragen)")
	}
	return content, nil
}
