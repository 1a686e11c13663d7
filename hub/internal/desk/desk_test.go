package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/hub"
)

func delivery(n int) hub.Delivery {
	e := cloudevents.New()
	e.SetID(fmt.Sprint("e", n))
	e.SetSource("urn:test")
	e.SetType("de.test.ding.v1")
	return hub.Delivery{ID: fmt.Sprint("d", n), Attempt: 1, Event: e}
}

// hand has the desk deliver; the error comes by the channel.
func hand(ctx context.Context, d *Desk, n int) chan error {
	out := make(chan error, 1)
	go func() { out <- d.Deliver(ctx, delivery(n)) }()
	synctest.Wait()
	return out
}

func TestNobodyAsks(t *testing.T) {
	d := New("beta.one")
	if f := hub.FaultOf(d.Deliver(t.Context(), delivery(1))); f == nil || !f.Later || f.Permanent {
		t.Errorf("%+v", f)
	}
	c := d.Ask(3, time.Minute, false)
	if d.Turns.Free() != 3 {
		t.Errorf("%d turns", d.Turns.Free())
	}
	c.Close(false)
	if d.Turns.Free() != 0 {
		t.Errorf("%d turns when nobody asks", d.Turns.Free())
	}
}

// TestOutcomes: what the mailbox hears of each outcome, and when the client does.
func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New("beta.one")
		c := d.Ask(4, time.Minute, false)
		defer c.Close(false)
		var ends []chan error
		var items []Item
		for n, o := range []Outcome{Done, Later, Refuse} {
			ends = append(ends, hand(t.Context(), d, n))
			items = append(items, Item{Token: (<-c.C).Token, Outcome: o})
		}
		items[1].After, items[2].Reason = 90, "unbekannter-fall"
		items = append(items, Item{Token: "nie", Outcome: Done})
		var got []ItemResult
		var wg sync.WaitGroup
		wg.Go(func() { got = d.Settle(t.Context(), items) })
		synctest.Wait()
		if got != nil {
			t.Error("answered before it was in the trail")
		}
		if err := <-ends[0]; err != nil {
			t.Errorf("done: %v", err)
		}
		if f := hub.FaultOf(<-ends[1]); f.Code != "client-later" || f.After != 90*time.Second || f.Permanent || f.Later {
			t.Errorf("later: %+v", f)
		}
		if f := hub.FaultOf(<-ends[2]); f.Code != "unbekannter-fall" || !f.Permanent {
			t.Errorf("refuse: %+v", f)
		}
		d.Confirmed("d0")
		d.Confirmed("d2")
		wg.Wait()
		var results []string
		for _, r := range got {
			results = append(results, string(r.Result))
		}
		if s := strings.Join(results, " "); s != "done later refused gone" {
			t.Errorf("results %s", s)
		}
		if again := d.Settle(t.Context(), items[:1]); again[0].Result != ResultDone {
			t.Errorf("settled again: %s", again[0].Result)
		}
		if other := d.Settle(t.Context(), []Item{{Token: items[0].Token, Outcome: Refuse}}); other[0].Result != ResultDone {
			t.Errorf("settled otherwise: %s", other[0].Result)
		}
	})
}

// TestLeaseLost: the mailbox hears of it, the token is gone; an extended one lasts.
func TestLeaseLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New("beta.one")
		c := d.Ask(1, time.Minute, false)
		defer c.Close(false)
		end := hand(t.Context(), d, 1)
		l := <-c.C
		time.Sleep(50 * time.Second)
		if r := d.Settle(t.Context(), []Item{{Token: l.Token, Outcome: Extend, Lease: 100}})[0]; r.Result != ResultExtended || time.Until(*r.Until) != 100*time.Second {
			t.Errorf("extend: %+v", r)
		}
		time.Sleep(99 * time.Second)
		synctest.Wait()
		if d.Leased() != 1 {
			t.Error("lost too early")
		}
		time.Sleep(time.Second)
		if f := hub.FaultOf(<-end); f == nil || f.Code != "lease-lost" || f.Permanent || f.Later {
			t.Errorf("%+v", f)
		}
		if r := d.Settle(t.Context(), []Item{{Token: l.Token, Outcome: Done}})[0]; r.Result != ResultGone {
			t.Errorf("settled after its end: %s", r.Result)
		}
	})
}

// TestStream: a stream has no more than its window in hand, gets one for each that
// it settles, and gives back the rest when it ends.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New("beta.one")
		c := d.Ask(2, time.Minute, true)
		first, second := hand(t.Context(), d, 1), hand(t.Context(), d, 2)
		l := <-c.C
		<-c.C
		if d.Turns.Free() != 2 { // the mailbox would have taken them
			t.Fatalf("%d turns", d.Turns.Free())
		}
		d.Turns.Set(0)
		d.recount()
		if err := <-hand(t.Context(), d, 3); !errors.Is(err, errNobody) || d.Turns.Free() != 0 {
			t.Errorf("beyond the window: %v, %d turns", err, d.Turns.Free())
		}
		go d.Settle(t.Context(), []Item{{Token: l.Token, Outcome: Done}})
		if err := <-first; err != nil {
			t.Error(err)
		}
		d.Confirmed("d1")
		synctest.Wait()
		if d.Turns.Free() != 1 {
			t.Errorf("%d turns after one was settled", d.Turns.Free())
		}
		c.Close(true)
		if f := hub.FaultOf(<-second); f == nil || f.Code != "not-settled" || d.Turns.Free() != 0 {
			t.Errorf("%+v, %d turns when the stream has ended", f, d.Turns.Free())
		}
	})
}

// TestStop: a client that waits for the record of an outcome hears that it is not
// known.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New("beta.one")
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = d.Run(ctx) }()
		c := d.Ask(1, time.Minute, false)
		defer c.Close(false)
		end := hand(ctx, d, 1)
		l := <-c.C
		answer := make(chan []ItemResult, 1)
		go func() { answer <- d.Settle(t.Context(), []Item{{Token: l.Token, Outcome: Done}}) }()
		if err := <-end; err != nil {
			t.Error(err)
		}
		cancel()
		if got := <-answer; got[0].Result != ResultUnconfirmed {
			t.Errorf("%s", got[0].Result)
		}
	})
}

func TestReadItems(t *testing.T) {
	for body, ok := range map[string]bool{
		`[{"token":"a","outcome":"done"}]`:                             true,
		`[{"token":"a","outcome":"later","after":60,"reason":"voll"}]`: true,
		`[{"token":"a","outcome":"extend","lease":60}]`:                true,
		`[{"token":"a","outcome":"refuse","reason":"kein-fall"}]`:      true,
		`[]`: false, `{}`: false, ``: false, `[{"token":"a","outcome":"done"}] x`: false,
		`[{"outcome":"done"}]`: false, `[{"token":"a","outcome":"DONE"}]`: false,
		`[{"token":"a","outcome":"done","after":1}]`:                                                      false,
		`[{"token":"a","outcome":"later","after":-1}]`:                                                    false,
		`[{"token":"a","outcome":"later","after":90000}]`:                                                 false,
		`[{"token":"a","outcome":"extend"}]`:                                                              false,
		`[{"token":"a","outcome":"refuse","reason":"Frau Muster"}]`:                                       false,
		`[{"token":"a","outcome":"done","more":1}]`:                                                       false,
		`[{"token":"` + strings.Repeat("a", 65) + `","outcome":"done"}]`:                                  false,
		`[` + strings.Repeat(`{"token":"a","outcome":"done"},`, 1000) + `{"token":"a","outcome":"done"}]`: false,
	} {
		if _, err := ReadItems([]byte(body)); (err == nil) != ok {
			t.Errorf("%.60s: %v", body, err)
		}
	}
}

func FuzzReadItems(f *testing.F) {
	f.Add([]byte(`[{"token":"a","outcome":"later","after":60,"reason":"voll"},{"token":"b","outcome":"extend","lease":60}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := ReadItems(body)
		if err != nil {
			return
		}
		for _, it := range items {
			if _, bad := it.mistake(); bad || len(items) > MaxItems {
				t.Fatalf("%q gives %+v", body, it)
			}
		}
	})
}

func FuzzReadLease(f *testing.F) {
	f.Add([]byte(`{"max":10,"wait":20,"lease":60}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := readLease(body)
		if err == nil && (req.Max < 1 || req.Max > maxEvents || req.Wait < 0 || req.Wait > maxWait || req.Lease == nil || *req.Lease < 1 || *req.Lease > maxLease) {
			t.Fatalf("%q gives %+v", body, req)
		}
	})
}
