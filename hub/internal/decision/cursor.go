package decision

// Cursor opens every batch to TRAIL, OUT and QUARANTINE. Its message lies at
// <stream>.cursor.<in-stream> and is written under
// expected-last-subject-sequence, which makes a repeated batch and the batch of
// an owner that lost its in stream fail as a whole (ADR 0005).
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
	// Batch is unique, so that an unknown outcome is settled by one read.
	Batch string `json:"batch"`
}

// CursorSubject is where the cursor of in stream in lies within a stream whose
// subjects begin with root ("trail", "out", "quarantine").
func CursorSubject(root, in string) string { return root + ".cursor." + in }
