package decision

// Cursor opens every batch to TRAIL, OUT, QUARANTINE and PARKED; chains end with
// one now and then. Its message lies at <stream>.cursor.<in-stream> and is written
// under expected-last-subject-sequence, which makes a repeated batch and whatever
// comes of an owner that lost its in stream fail as a whole (ADR 0005, ADR 0013).
type Cursor struct {
	// Seq is the last sequence of the in stream that this batch completes (and
	// with it all before).
	Seq uint64 `json:"seq"`
	// Part counts the batches that carry the copies of message Seq+1 when its
	// fan-out does not fit into one; 0 when there is none underway.
	Part int `json:"part,omitempty"`
	// Epoch counts the owners of the in stream.
	Epoch uint64 `json:"epoch"`
	// Trail is a sequence in TRAIL behind which every decision after Seq lies:
	// catching up reads from there.
	Trail uint64 `json:"trail"`
	// Owed says what mailboxes have not got since they are full (ADR 0012), by
	// application; only in OUT.
	Owed map[string]Owed `json:"owed,omitempty"`
	// Carried and Ends are in TRAIL only: when this was written every decision up to
	// Carried was carried out, and what later ones bring to a stream of the hub lies
	// behind its sequence in Ends (none: 0).
	Carried uint64            `json:"carried,omitempty"`
	Ends    map[string]uint64 `json:"ends,omitempty"`
	// Run is the replay that Seq and Part are about: Seq is then the sequence in TRAIL of
	// the last message with decisions that was looked at, Part how many of those were if
	// not all; only in TRAIL's cursors of replays.
	Run string `json:"run,omitempty"`
	// Decided is what decides about the messages directly behind this cursor, and is written
	// to the trail at the same time (ADR 0025); only in OUT. Who goes by the trail alone looks
	// whether it is there.
	Decided *Decided `json:"decided,omitempty"`
	// Batch is unique, so that an unknown outcome is settled by one read.
	Batch string `json:"batch"`
}

// Decided are records that may be missing in the trail.
type Decided struct {
	// Records are the messages of the trail, data alone.
	Records [][]byte `json:"records"`
	// After is how far the trail had come before them, UpTo how far it comes with them:
	// sequences in the in stream.
	After uint64 `json:"after"`
	UpTo  uint64 `json:"upto"`
}

// Known is how far the in stream was decided at least when c was written, and Promised how
// far at most: up to there decisions may be carried out.
func (c *Cursor) Known() uint64 {
	if c.Decided == nil {
		return c.Seq
	}
	return max(c.Seq, c.Decided.After)
}

// Promised see Known.
func (c *Cursor) Promised() uint64 {
	if c.Decided == nil {
		return c.Seq
	}
	return max(c.Seq, c.Decided.UpTo)
}

// Owed is where the copies begin that a mailbox has not got.
type Owed struct {
	// Seq is the sequence in the in stream of the first event whose copy is owed;
	// all that came before are stored, none that come after.
	Seq uint64 `json:"seq"`
	// Trail is a sequence in TRAIL behind which the decisions from Seq on lie.
	Trail uint64 `json:"trail"`
}

// Floor is the sequence up to which everything is complete, also for mailboxes
// that are owed something.
func (c *Cursor) Floor() uint64 {
	floor := c.Seq
	for _, o := range c.Owed {
		floor = min(floor, o.Seq-1)
	}
	return floor
}

// CursorSubject is where the cursor of in stream in lies within a stream whose
// subjects begin with root ("trail", "out", "quarantine").
func CursorSubject(root, in string) string { return root + ".cursor." + in }

// Names in cursors' subjects of what is not an in stream.
const (
	CursorOutcomes = "OUTCOMES" // of who records outcomes of hand-outs (mailbox.Recorder); in TRAIL
	CursorExpiry   = "EXPIRY"   // of what takes out expired copies (package keep); in TRAIL and OUT
)
