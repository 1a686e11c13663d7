package xta_test

import (
	"errors"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
)

// posted sends a message with a NotBefore, "" for none, and gives its id.
func posted(t *testing.T, l *line, notBefore string) string {
	t.Helper()
	id, err := l.NewMessageID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := metaData(id)
	m.Delivery.NotBefore = notBefore
	if err := l.Send(t.Context(), m, container("<a/>")); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestCancel withdraws what may be withdrawn: a message with a NotBefore that is
// not reached. Nothing else leaves its reader's box.
func TestCancel(t *testing.T) {
	l := connect(t, xtasim.Options{}, xta.Config{})
	ahead, past := time.Now().Add(time.Hour).Format(time.RFC3339), time.Now().Add(-time.Hour).Format(time.RFC3339)
	kept, due, withdrawn := posted(t, l, ""), posted(t, l, past), posted(t, l, ahead)
	for id, code := range map[string]string{kept: "9101", due: "9100", "urn:de:xta:messageid:x:y": "9070", withdrawn: ""} {
		err := l.Cancel(t.Context(), id)
		f, isFault := errors.AsType[*wire.Fault](err)
		if code == "" && err != nil || code != "" && (!isFault || f.Code != code) {
			t.Errorf("want %q, got %v", code, err)
		}
	}
	if left := l.Waiting(author); len(left) != 2 || left[0] != kept || left[1] != due {
		t.Error(left)
	}
}

// TestCancelDisturbed tries every fault and disturbance: each has its class, and a
// message whose withdrawal was lost can be withdrawn again.
func TestCancelDisturbed(t *testing.T) {
	l := connect(t, xtasim.Options{}, xta.Config{Timeout: 50 * time.Millisecond})
	id := posted(t, l, time.Now().Add(time.Hour).Format(time.RFC3339))
	all := map[xtasim.Effect]wire.Class{
		xtasim.Timeout: wire.Retry, xtasim.Drop: wire.Retry, xtasim.Unavailable: wire.Retry, xtasim.Garbage: wire.Retry,
	}
	for code, class := range classes {
		all[xtasim.Effect(code)] = class
	}
	for do, class := range all {
		l.Order(xtasim.Order{On: "cancelMessage", Do: do})
		if err := l.Cancel(t.Context(), id); err == nil || wire.ClassOf(err) != class {
			t.Errorf("%s gave %v", do, err)
		}
		if len(l.Waiting(author)) != 1 {
			t.Fatal(do, "withdrew the message")
		}
	}
	l.Order(xtasim.Order{On: "cancelMessage", Do: xtasim.Lost})
	if err := l.Cancel(t.Context(), id); err == nil || wire.ClassOf(err) != wire.Retry {
		t.Error("lost:", err)
	}
	if err := l.Cancel(t.Context(), id); err != nil || len(l.Waiting(author)) != 0 {
		t.Error("again:", err)
	}
}
