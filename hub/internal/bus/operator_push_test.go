package bus

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
)

// TestPushesDoNotOvertake: what a push took from the book does not undo what a later
// one has put in force. The servers' place is taken by a subscriber which is slow once.
func TestPushesDoNotOvertake(t *testing.T) {
	b, s := start(t)
	servers, err := s.Connect(t.Context(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer servers.Close()
	book, err := accounts.Open(t.TempDir(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	orgs := []accounts.Organisation{{ID: "a"}, {ID: "b"}}
	if err := know(book, orgs); err != nil {
		t.Fatal(err)
	}
	keys, err := book.Accounts("a", "b")
	if err != nil {
		t.Fatal(err)
	}
	first, later := "a", "b" // in the order in which they are pushed
	if keys["a"] > keys["b"] {
		first, later = "b", "a"
	}
	o := &Operator{system: b.nc, book: book}
	var mu sync.Mutex
	var room []int64                  // connections of the later one, as it was put in force
	arrived := make(chan struct{}, 9) // of those
	slow, pushed := false, make(chan error, 1)
	answer := func(m *nats.Msg) { _ = m.Respond([]byte(`{"data":{"code":200}}`)) }
	_, err = servers.nc.Subscribe("$SYS.REQ.CLAIMS.UPDATE", func(m *nats.Msg) {
		c, err := jwt.DecodeAccountClaims(string(m.Data))
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case c.Name == later:
			room = append(room, c.Limits.Conn)
			arrived <- struct{}{}
		case c.Name == first && slow:
			slow = false
			go func() {
				if err := book.Suspend(later); err != nil {
					t.Error(err)
				}
				go func() { pushed <- o.Push(t.Context()) }()
				select {
				case <-arrived: // it has overtaken
				case <-time.After(300 * time.Millisecond):
				}
				answer(m)
			}()
			return
		}
		answer(m)
	})
	if err = errors.Join(err, servers.nc.Flush(), book.Suspend(later), o.Push(t.Context())); err != nil {
		t.Fatal(err)
	}
	<-arrived
	mu.Lock()
	slow = true
	mu.Unlock()
	if err := errors.Join(book.Suspend(first), book.Resume(later), o.Push(t.Context()), <-pushed); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(room) != 3 || room[1] == 0 || room[2] != 0 {
		t.Errorf("suspended, resumed and suspended again, its connections were %v", room)
	}
}
