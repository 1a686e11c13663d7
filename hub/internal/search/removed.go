package search

import (
	"encoding/binary"
	"encoding/json"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// removed notes a removal of payloads, whatever its reason.
func (x *Index) removed(seq uint64, r *decision.Removal) error {
	if len(x.opts.Key) == 0 || !isIn(r.Stream) {
		return nil
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return x.batch.Set(key(keyRemoval, binary.BigEndian.AppendUint64(nil, seq)), raw, nil)
}

// isIn tells whether a stream holds events as they were accepted.
func isIn(stream string) bool {
	return strings.HasPrefix(stream, "IN_") || strings.HasPrefix(stream, "EDGE_")
}

// removal is one that is not forgotten yet.
type removal struct {
	at []byte
	decision.Removal
}

func (x *Index) removals() (out []removal, err error) {
	prefix := []byte{keyRemoval}
	err = x.each(prefix, prefix, func(k, v []byte) (bool, error) {
		r := removal{at: append([]byte{}, k...)}
		err := json.Unmarshal(v, &r.Removal)
		out = append(out, r)
		return len(out) < maxRecords, err
	})
	return out, err
}

// forgetRemoved forgets the terms of what was removed.
func (x *Index) forgetRemoved(all []removal, known func(subject string) bool) error {
	for i := range all {
		for _, r := range all[i].Ranges {
			if err := x.forgetRange(all[i].Stream, r, known); err != nil {
				return err
			}
		}
		if err := x.db.Delete(all[i].at, pebble.NoSync); err != nil {
			return err
		}
	}
	return nil
}

// forgetRange is called with reading held.
func (x *Index) forgetRange(in string, r decision.Range, known func(string) bool) error {
	it, err := x.db.NewIter(&pebble.IterOptions{LowerBound: heldKey(in, r.From), UpperBound: after(heldKey(in, r.UpTo))})
	if err != nil {
		return err
	}
	defer func() { _ = it.Close() }()
	batch := x.db.NewBatch()
	defer func() { _ = batch.Close() }()
	for ok := it.First(); ok; ok = it.Next() {
		subject, _, _ := strings.Cut(string(it.Value()), sep)
		if subject != r.Subject && (r.Subject != decision.Others || known(subject)) {
			continue
		}
		if err := forgetHeld(batch, append([]byte{}, it.Key()...), it.Value()); err != nil {
			return err
		}
		if batch.Len() > maxBatch {
			if err := batch.Commit(pebble.NoSync); err != nil {
				return err
			}
			_ = batch.Close()
			batch = x.db.NewBatch()
		}
	}
	if err := it.Error(); err != nil {
		return err
	}
	return batch.Commit(pebble.NoSync)
}
