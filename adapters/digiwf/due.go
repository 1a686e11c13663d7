package digiwf

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/digiwf/disk"
	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/hub"
)

// due is a message that the source is to send: written down first, so that neither a
// broker that is away nor a crash holds up or loses what it is about.
type due struct {
	Key    string      `json:"key"`
	Number int64       `json:"number"` // goes up, also over restarts
	Letter post.Letter `json:"letter"`
}

// lastNumber of a message that was written down by this process.
var lastNumber atomic.Int64

// number is one that nobody had before: files' times are not exact enough to tell
// which of two was written first.
func number() int64 {
	for {
		last := lastNumber.Load()
		next := max(last+1, time.Now().UnixNano())
		if lastNumber.CompareAndSwap(last, next) {
			return next
		}
	}
}

// numberBehind has numbers go on behind those of what is due: the clock may have been
// put back since.
func (d *desk) numberBehind() error {
	names, err := disk.Names(d.set.folder(dueFolder), ending)
	if err != nil {
		return err
	}
	for _, name := range names {
		var one due
		there, err := disk.Get(filepath.Join(d.set.folder(dueFolder), name+ending), &one)
		if err != nil || !there {
			continue
		}
		for last := lastNumber.Load(); last < one.Number && !lastNumber.CompareAndSwap(last, one.Number); {
			last = lastNumber.Load()
		}
	}
	return nil
}

// bySource is who sends what is due.
const bySource = "source"

func (d *desk) duePath(key string) string {
	return filepath.Join(d.set.folder(dueFolder), post.ID(key)+ending)
}

// owe writes a message down to be sent. What was sent under the key, or is to be,
// stays.
func (d *desk) owe(key string, l post.Letter) error {
	_, done, err := d.box.By(key)
	if done || ignoreDamaged(err) != nil { // a damaged mark holds up this message alone
		return err
	}
	there, err := disk.Get(d.duePath(key), &due{})
	if there && err == nil || ignoreDamaged(err) != nil { // what is damaged is written anew
		return err
	}
	return disk.Put(d.duePath(key), due{key, number(), l})
}

// pay sends what is due, the oldest first, and gives how much still is. What cannot
// be sent holds up what is for the same process instance, and nothing else.
func (d *desk) pay(ctx context.Context, log *zap.Logger) (left int, err error) {
	names, err := d.oldestFirst()
	if err != nil {
		return 0, err
	}
	held := map[string]bool{}
	for _, name := range names {
		var one due
		path := filepath.Join(d.set.folder(dueFolder), name+ending)
		switch there, err := disk.Get(path, &one); {
		case errors.Is(err, disk.ErrDamaged):
			log.Error("digiwf: a message to DigiWF is lost", zap.String("id", name), zap.Error(err))
			continue
		case err != nil:
			return 0, err
		case !there:
			continue
		case held[one.Letter.Key]:
			left++
			continue
		}
		switch err := d.payOne(ctx, path, one, log); {
		case ctx.Err() != nil:
			return len(names), ctx.Err()
		case err != nil:
			left++
			held[one.Letter.Key] = true
			log.Warn("digiwf: a message to DigiWF waits", zap.String("id", name), zap.Error(err))
			if errors.Is(err, post.ErrNothingSent) { // the others would fare the same
				return len(names), nil
			}
		}
	}
	return left, nil
}

func (d *desk) oldestFirst() ([]string, error) {
	names, err := disk.Names(d.set.folder(dueFolder), ending)
	if err != nil {
		return nil, err
	}
	numbers := map[string]int64{}
	for _, name := range names {
		var one due
		if _, err := disk.Get(filepath.Join(d.set.folder(dueFolder), name+ending), &one); err == nil {
			numbers[name] = one.Number
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(numbers[a], numbers[b]) })
	return names, nil
}

func (d *desk) payOne(ctx context.Context, path string, one due, log *zap.Logger) error {
	err := d.box.Once(ctx, one.Key, bySource, one.Letter)
	switch fault, ok := errors.AsType[*hub.Fault](err); {
	case err == nil, errors.Is(err, post.ErrOther):
		return disk.Remove(path)
	case ok && fault.Permanent:
		log.Error("digiwf: a message to DigiWF can never be sent and is given up", zap.String("id", post.ID(one.Key)), zap.Error(err))
		return disk.Remove(path)
	}
	return err
}

// payAll sends what is due, at once when news come and again when something is left,
// until ctx ends.
func (r *run) payAll(ctx context.Context) error {
	wait := r.set.Retry.First
	for {
		left, err := r.desk.pay(ctx, r.log)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		wait = min(2*wait, r.set.Retry.Most)
		if left == 0 {
			wait = r.set.Retry.First
		}
		if err := r.rest(ctx, wait, left > 0); err != nil {
			return err
		}
	}
}

// rest waits for news, and, where something is left, no longer than that.
func (r *run) rest(ctx context.Context, wait time.Duration, left bool) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	again := timer.C
	if !left {
		again = nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.news:
		return nil
	case <-again:
		return nil
	}
}
