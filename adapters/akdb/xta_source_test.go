package akdb_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/hub"
)

// TestXTADisturbances orders everything that facts/xoev.md §5.1 names, for each
// operation of the polling loop: every message becomes its event, once, and the
// box is empty in the end.
func TestXTADisturbances(t *testing.T) {
	t.Parallel()
	for _, do := range []xtasim.Effect{"9030", xtasim.Timeout, xtasim.Drop, xtasim.Lost, xtasim.Unavailable, xtasim.Garbage} {
		for _, on := range []string{"checkAccountActive", "getStatusList", "getNextStatusList", "getMessage", "close"} {
			t.Run(fmt.Sprint(on, " ", do), func(t *testing.T) {
				b, calls := newBroker(t, xtasim.Options{MTOM: true}), 3
				if on == "getNextStatusList" {
					calls = 1 // what is left then fits on one page
				}
				b.Order(xtasim.Order{On: on, Do: do, Times: 2})
				in := adaptertest.NewIntake()
				for n := range 5 {
					content, _, _ := mail(t, n)
					b.Put(to(content))
				}
				until(t, b.source(t, patience(do)), in, func() bool { return len(b.Waiting(registerKey)) == 0 && b.Calls(on) >= calls })
				if got := len(in.Events()); got != 5 || in.Breaches() != nil {
					t.Error(got, "events", in.Breaches())
				}
				if aside, err := reports(b.dir); err != nil || len(aside) != 0 {
					t.Error(aside, err)
				}
			})
		}
	}
}

// TestXTARefusedAccount: 901x stops the polling and raises an alarm.
func TestXTARefusedAccount(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"9010", "9011", "9012", "9013", "9014"} {
		for _, on := range []string{"checkAccountActive", "getStatusList", "getMessage", "close"} {
			t.Run(on+" "+code, func(t *testing.T) {
				b := newBroker(t, xtasim.Options{})
				b.Order(xtasim.Order{On: on, Do: xtasim.Effect(code), Times: -1})
				content, _, _ := mail(t, 1)
				b.Put(to(content))
				core, logs := observer.New(zapcore.ErrorLevel)
				env := adaptertest.Env(b.dir)
				env.Log = zap.New(core)
				s, err := akdb.XTA().Source(env, b.settings(registerKey, ""))
				if err != nil {
					t.Fatal(err)
				}
				calls := 0
				until(t, s, adaptertest.NewIntake(), func() bool { calls = b.Calls(on); return logs.Len() == 1 })
				if got := b.Calls(on); got != calls || got != 1 {
					t.Errorf("%d calls after the refusal", got)
				}
				if len(b.Waiting(registerKey)) != 1 {
					t.Error("the message is gone")
				}
			})
		}
	}
}

// TestXTAClosedElsewhere: 9070 passes over a message, and it is no failure.
func TestXTAClosedElsewhere(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	b.Order(xtasim.Order{On: "getMessage", Do: "9070"}, xtasim.Order{On: "close", Do: "9070"})
	for n := range 3 {
		content, _, _ := mail(t, n)
		b.Put(to(content))
	}
	in := adaptertest.NewIntake()
	until(t, b.source(t, ", recover: 5ms"), in, func() bool { return len(b.Waiting(registerKey)) == 0 })
	if len(in.Events()) != 3 || in.Breaches() != nil { // the first and second come again: the orders were untrue
		t.Error(in.Events(), in.Breaches())
	}
}

// TestXTADuplicates: the same message again, under the same message id or a new
// one, is one event. Close forgotten, close lost, sent twice.
func TestXTADuplicates(t *testing.T) {
	t.Parallel()
	for _, do := range []xtasim.Effect{xtasim.Duplicate, xtasim.Forget, xtasim.Lost} {
		b := newBroker(t, xtasim.Options{MTOM: true})
		b.Order(xtasim.Order{On: "close", Do: do, Times: 3})
		for n := range 3 {
			content, _, _ := mail(t, n)
			b.Put(to(content))
		}
		in := adaptertest.NewIntake()
		until(t, b.source(t, ", recover: 5ms"), in, func() bool { return len(b.Waiting(registerKey)) == 0 })
		if len(in.Events()) != 3 || in.Breaches() != nil {
			t.Error(do, len(in.Events()), in.Breaches())
		}
	}
}

// TestXTAOtherBytes: the same nachrichtenUUID with other bytes is set aside when
// the hub refuses it, and the event stays what it was.
func TestXTAOtherBytes(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	b.Order(xtasim.Order{On: "close", Do: xtasim.OtherBytes})
	content, _, _ := mail(t, 1)
	b.Put(to(content))
	in := adaptertest.NewIntake()
	var first atomic.Pointer[hub.Event]
	in.Follow(func(_ context.Context, _ int, e hub.Event, store func() error) error {
		if !first.CompareAndSwap(nil, &e) && !bytes.Equal(first.Load().Data(), e.Data()) {
			return hub.Permanent("id-conflict", "publish: other content under this id")
		}
		return store()
	})
	until(t, b.source(t, ""), in, func() bool { return b.Calls("close") == 2 && len(b.Waiting(registerKey)) == 0 })
	if aside, err := reports(b.dir); err != nil || len(aside) != 1 || !strings.HasPrefix(aside[0], "id-conflict") {
		t.Error(aside, err)
	}
	kept, err := filepath.Glob(filepath.Join(b.dir, "error", "*.xml"))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	if got, err := os.ReadFile(kept[0]); err != nil || !strings.HasPrefix(string(got), content) || string(got) == content {
		t.Error("what was set aside is not what came:", err)
	}
	if len(in.Events()) != 1 || in.Breaches() != nil {
		t.Error(len(in.Events()), in.Breaches())
	}
}

func TestXTAWrongReader(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	b.Order(xtasim.Order{On: "getMessage", Do: xtasim.WrongReader})
	content, _, _ := mail(t, 1)
	b.Put(to(content))
	in := adaptertest.NewIntake()
	until(t, b.source(t, ""), in, func() bool { return len(b.Waiting(registerKey)) == 0 })
	if aside, err := reports(b.dir); err != nil || len(aside) != 1 || !strings.HasPrefix(aside[0], "xoev-t080") || len(in.Events()) != 0 {
		t.Error(aside, err)
	}
}

// TestXTAUnfetchable: a message that can never be fetched stays on the server, and
// those behind it flow.
func TestXTAUnfetchable(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{})
	content, _, _ := mail(t, 1)
	large := to(content)
	large.Attachments = []xtasim.Document{{Bytes: make([]byte, 9<<20)}}
	id := b.Put(large)
	content, _, _ = mail(t, 2)
	b.Put(to(content))
	in := adaptertest.NewIntake()
	until(t, b.source(t, ", max-bytes: 100000"), in, func() bool { return len(b.Waiting(registerKey)) == 1 })
	if left := b.Waiting(registerKey); len(left) != 1 || left[0] != id {
		t.Error(left)
	}
}

// TestXTATestMark: a message that only its transport marks as a test.
func TestXTATestMark(t *testing.T) {
	t.Parallel()
	for _, production := range []bool{false, true} {
		b := newBroker(t, xtasim.Options{})
		content, _, _ := mail(t, 1)
		l := to(content)
		l.Test = true
		b.Put(l)
		s := b.source(t, "")
		if production {
			akdb.SetProduction(s)
		}
		in := adaptertest.NewIntake()
		until(t, s, in, func() bool { return len(b.Waiting(registerKey)) == 0 })
		aside, err := reports(b.dir)
		switch {
		case err != nil || len(in.Events())+len(aside) != 1:
			t.Error(aside, err)
		case production && (len(aside) != 1 || !strings.HasPrefix(aside[0], "xoev-s999")):
			t.Error("in production:", aside)
		case !production && in.Events()[0].Extensions()["xoevtest"] != "true":
			t.Error(in.Events()[0])
		}
	}
}

// TestXTAAttachments: they are kept beside the original, and the event is valid.
func TestXTAAttachments(t *testing.T) {
	t.Parallel()
	b := newBroker(t, xtasim.Options{MTOM: true})
	content, _, _ := mail(t, 2)
	l := to(content)
	l.Attachments = []xtasim.Document{
		{Bytes: []byte("%PDF-1.4"), ContentType: "application/pdf", Filename: "../Urkunde.pdf"}, {}, {Bytes: []byte("b"), ContentType: "irgendwas"},
	}
	b.Put(l)
	in := adaptertest.NewIntake()
	until(t, b.source(t, ", short-list: true, close-with: list"), in, func() bool { return len(b.Waiting(registerKey)) == 0 })
	if len(in.Events()) != 1 || in.Breaches() != nil {
		t.Fatal(in.Events(), in.Breaches())
	}
	e := in.Events()[0]
	valid(t, e)
	var data struct {
		Anlagen []struct {
			Filename, MediaType string
			Size                int
		}
	}
	if err := e.DataAs(&data); err != nil {
		t.Fatal(err)
	}
	if a := data.Anlagen; len(a) != 2 || a[0].Filename != "Urkunde.pdf" || a[0].MediaType != "application/pdf" || a[0].Size != 8 || a[1].Size != 1 {
		t.Errorf("%+v", a)
	}
	if e.Type() != "de.xoev.nachricht.v1" || strings.Contains(jsonOf(t, data), "..") {
		t.Error(e)
	}
}

func TestXTASettings(t *testing.T) {
	t.Parallel()
	const good = "url: https://xta.example.org/, source: 'urn:x:', account: {kennung: 'ags:09162000'}"
	for key, yaml := range map[string]string{
		"":                "{" + good + "}",
		"source":          "{url: 'https://x', account: {kennung: 'ags:09162000'}}",
		"management-url":  "{source: 'urn:x:', account: {kennung: 'ags:09162000'}}",
		"box-url":         "{" + good + ", box-url: 'http://xta.example.org'}",
		"send-url":        "{" + good + ", send-url: 'https://a:b@xta.example.org'}",
		"tls":             "{" + good + ", tls: {cert: a.pem}}",
		"account.kennung": "{url: 'https://x', source: 'urn:x:'}",
		"poll":            "{" + good + ", poll: 0s}",
		"recover":         "{" + good + ", recover: 1s}",
		"page":            "{" + good + ", page: 0}",
		"timeout":         "{" + good + ", timeout: 0s}",
		"max-bytes":       "{" + good + ", max-bytes: 0}",
		"close-with":      "{" + good + ", close-with: nothing}",
		"type-code":       "{" + good + ", type-code: nothing}",
		"report.every":    "{" + good + ", report: {every: 0s}}",
		"leser":           "{" + good + ", leser: [x]}",
	} {
		_, err := akdb.XTA().Source(adaptertest.Env(t.TempDir()), adaptertest.Settings(yaml))
		if got, _, _ := strings.Cut(fmt.Sprint(err), ":"); key != "" && got != key || key == "" && err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	env := adaptertest.Env(t.TempDir())
	env.Production = true
	if _, err := akdb.XTA().Source(env, adaptertest.Settings("{"+good+"}")); err == nil || !strings.HasPrefix(err.Error(), "tls.cert") {
		t.Error("without a certificate in production:", err)
	}
}
