package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Limits of an upload.
const (
	// MaxBlob is how many bytes a blob that comes by HTTP may have.
	MaxBlob = 128 << 20
	// uploads is how many an application may have underway, and uploadTime how long
	// one may take.
	uploads = 4
	// leastBlob is what each upload counts at least.
	leastBlob  = 4 << 10
	uploadTime = 15 * time.Minute
)

// Uploads takes blobs: originals and attachments that events refer to.
type Uploads struct {
	Blobs *bus.Blobs
	// Pause is how long nothing may come of a body; 0 is DefaultReadTimeout.
	Pause time.Duration
	Log   *zap.Logger

	mu       sync.Mutex
	underway map[string]int   // by application
	used     map[string]int64 // bytes, by organisation; nil until they are counted
	told     map[string]bool  // that it is full, by organisation
}

// Routes are what Uploads answers.
func (u *Uploads) Routes() []Route {
	return []Route{{
		Method: http.MethodPost, Path: "/blobs", Stream: true, Handle: u.put,
		Operation: Operation{
			ID: "putBlob", Summary: "Hand in bytes to which an event refers.",
			Detail: "The answer's `ref` goes into the data of an event, which is handed in afterwards. The same bytes have the same `ref`. " +
				"Who gets the event, and the field with the reference, gets the bytes from its own mailbox.",
			Body: []Content{{"*/*", Schema{}}},
			Answers: []Answer{
				JSONAnswer(http.StatusCreated, "Stored and synced.", Ref("Blob")),
				ProblemAnswer(http.StatusBadRequest, "The body ended too early."),
				ProblemAnswer(http.StatusRequestTimeout, "The body did not come in time."),
				ProblemAnswer(http.StatusRequestEntityTooLarge, "More than 128 MiB."),
				ProblemAnswer(http.StatusTooManyRequests, "More than the application or its organisation may ask a second, or more than 4 uploads of the application at the same time.", "Retry-After"),
				ProblemAnswer(http.StatusServiceUnavailable, "Not stored: send it again.", "Retry-After"),
				ProblemAnswer(http.StatusInsufficientStorage, "There is no room.", "Retry-After"),
			},
		},
	}}
}

func (u *Uploads) put(w http.ResponseWriter, r *http.Request, p *Principal) error {
	if r.ContentLength > MaxBlob {
		return NewProblem(http.StatusRequestEntityTooLarge, refusal.TooLarge)
	}
	reserved := r.ContentLength
	if reserved < 0 {
		reserved = MaxBlob
	}
	if problem := u.enter(r.Context(), p, reserved); problem != nil {
		return problem
	}
	stored := int64(0)
	defer func() { u.leave(p, stored-reserved) }()
	body := &slowBody{
		Reader: http.MaxBytesReader(w, r.Body, MaxBlob), control: http.NewResponseController(w),
		pause: u.Pause, until: time.Now().Add(uploadTime),
	}
	if body.pause == 0 {
		body.pause = DefaultReadTimeout
	}
	ref, fresh, err := u.Blobs.PutFor(r.Context(), p.Organisation(), body)
	switch {
	case err == nil:
		if stored = leastBlob; fresh {
			stored = max(stored, ref.Size)
		}
		WriteJSON(w, http.StatusCreated, map[string]any{"ref": ref.Ref, "sha256": ref.SHA256, "size": ref.Size})
		return nil
	case body.err != nil:
		refused := unread(body.err)
		return NewProblem(statusOf(refused.Code), refused.Code)
	case errors.Is(err, bus.ErrStreamFull):
		return &Problem{Status: http.StatusInsufficientStorage, Code: refusal.QuotaFull, RetryAfter: retryFull}
	}
	u.Log.Error("a blob that came by HTTP was not stored", zap.Error(err))
	return &Problem{Status: http.StatusServiceUnavailable, Code: refusal.NotStored, RetryAfter: retrySoon}
}

// enter counts an upload and reserves its size; leave must follow, unless it may not be.
func (u *Uploads) enter(ctx context.Context, p *Principal, size int64) *Problem {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.used == nil {
		used, err := u.Blobs.Used(ctx)
		if err != nil {
			u.Log.Error("what organisations have in the blob store is not known", zap.Error(err))
			return &Problem{Status: http.StatusServiceUnavailable, Code: refusal.NotStored, RetryAfter: retrySoon}
		}
		u.used, u.underway, u.told = used, map[string]int{}, map[string]bool{}
	}
	switch {
	case u.used[p.Organisation()]+size > u.quota(p):
		if !u.told[p.Organisation()] {
			u.told[p.Organisation()] = true
			u.Log.Warn("an organisation has no room for blobs any more: a larger quota gives it some", zap.String("organisation", p.Organisation()))
		}
		return &Problem{Status: http.StatusInsufficientStorage, Code: refusal.QuotaFull, RetryAfter: retryFull}
	case u.underway[p.Application.ID] >= uploads:
		return &Problem{Status: http.StatusTooManyRequests, Code: refusal.RateLimit, RetryAfter: retrySoon}
	}
	u.underway[p.Application.ID]++
	u.used[p.Organisation()] += size
	return nil
}

// quota is what the organisation may have in its in stream, and in the blob store too.
func (u *Uploads) quota(p *Principal) int64 {
	org, ok := p.Federation.Organisation(p.Organisation())
	if !ok {
		return 0
	}
	return org.QuotaBytes
}

// leave ends an upload; what it stored differs so much from what was reserved.
func (u *Uploads) leave(p *Principal, differs int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.used[p.Organisation()] += differs
	if u.underway[p.Application.ID]--; u.underway[p.Application.ID] == 0 {
		delete(u.underway, p.Application.ID)
	}
}

// slowBody is a body that may take long as long as something comes.
type slowBody struct {
	io.Reader
	control *http.ResponseController
	pause   time.Duration
	until   time.Time
	err     error // why it could not be read
}

// Read implements io.Reader.
func (b *slowBody) Read(p []byte) (int, error) {
	next := time.Now().Add(b.pause)
	if b.until.Before(next) {
		next = b.until
	}
	_ = b.control.SetReadDeadline(next)
	n, err := b.Reader.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		_ = b.control.SetReadDeadline(time.Time{})
	case err != nil:
		b.err = err
	}
	return n, err
}
