package fitsim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
)

// Effect is a disturbance that can be ordered. Besides them an HTTP status from 400
// to 599 is one.
type Effect string

// The effects of calls.
const (
	// Timeout reads the request and never answers.
	Timeout Effect = "timeout"
	// Drop ends the connection before anything is done.
	Drop Effect = "drop"
	// Lost does what was asked and loses the answer.
	Lost Effect = "lost"
	// Forget, on post: answers as if it had been done, and does nothing.
	Forget Effect = "forget"
	// Garbage answers with HTML.
	Garbage Effect = "garbage"
	// Cut, on attachment: breaks off in the middle.
	Cut Effect = "cut"
	// Expired ends all tokens before the call is looked at.
	Expired Effect = "expired"
	// Slow answers 429 with Retry-After: 1.
	Slow Effect = "slow"
	// OtherTags, on put: the SET submit-submission names other parts than were sent.
	OtherTags Effect = "other-tags"
)

// The effects on what a citizen hands in (on: submit).
const (
	// SwapAttachment: the service hands out another attachment than was submitted.
	SwapAttachment Effect = "swap-attachment"
	// SwapData and SwapMetadata, likewise.
	SwapData     Effect = "swap-data"
	SwapMetadata Effect = "swap-metadata"
	// WrongHash: the metadata have another hash of the first attachment, or of the data.
	WrongHash     Effect = "wrong-hash"
	WrongDataHash Effect = "wrong-data-hash"
	// ForeignIssuer: submit-submission is signed by a stranger's key.
	ForeignIssuer Effect = "foreign-issuer"
	// OtherKey: encrypted to a key that nobody has, under the destination's name.
	OtherKey Effect = "other-key"
	// UnknownKey: encrypted to a key of another name.
	UnknownKey Effect = "unknown-key"
	// BadMetadata: contentStructure is missing. NoMetadata: no JSON. OldMetadata: a family that nobody knows.
	BadMetadata Effect = "bad-metadata"
	NoMetadata  Effect = "no-metadata"
	OldMetadata Effect = "other-metadata"
	// Undescribed: the metadata leave the first attachment out.
	Undescribed Effect = "undescribed-attachment"
	// BadData: the data are no JSON.
	BadData Effect = "bad-data"
)

var callEffects = []Effect{Timeout, Drop, Lost, Forget, Garbage, Cut, Expired, Slow, OtherTags}

var submitEffects = []Effect{
	SwapAttachment, SwapData, SwapMetadata, WrongHash, WrongDataHash, ForeignIssuer, OtherKey, UnknownKey,
	BadMetadata, NoMetadata, OldMetadata, Undescribed, BadData,
}

// Order disturbs an operation a number of times.
type Order struct {
	On    string `json:"on" yaml:"on"` // token, list, fetch, attachment, events, post, keys, submit, and the sender's
	Do    Effect `json:"do" yaml:"do"`
	Times int    `json:"times" yaml:"times"` // 0: once; negative: always
	Skip  int    `json:"skip" yaml:"skip"`   // calls that pass before
}

var operations = []string{opToken, opList, opFetch, opAttachment, opEvents, opPost, opKeys, opSubmit, opRoutes, opDestination, opAnnounce, opUpload, opPut}

// problem names the order's key that cannot be, "" if none.
func (o Order) problem() (key, text string) {
	if !slices.Contains(operations, o.On) {
		return "on", "must be one of " + strings.Join(operations, ", ")
	}
	status, err := strconv.Atoi(string(o.Do))
	isStatus := err == nil && status >= 400 && status <= 599
	if o.On == opSubmit && slices.Contains(submitEffects, o.Do) || o.On != opSubmit && (isStatus || slices.Contains(callEffects, o.Do)) {
		return "", ""
	}
	return "do", "is no effect on this operation"
}

// Order orders disturbances, behind those that are not used up.
func (s *Server) Order(orders ...Order) error {
	for _, o := range orders {
		if key, text := o.problem(); text != "" {
			return errors.New("fault: " + key + " " + text)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range orders {
		if o.Times == 0 {
			o.Times = 1
		}
		s.orders = append(s.orders, o)
	}
	return nil
}

// next takes the effect that is ordered for an operation, "" for none.
func (s *Server) next(operation string) Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[operation]++
	for i := range s.orders {
		o := &s.orders[i]
		if o.On != operation || o.Times == 0 {
			continue
		}
		if o.Skip > 0 {
			o.Skip--
			continue
		}
		o.Times--
		return o.Do
	}
	return ""
}

type cutKey struct{}

type tagsKey struct{}

func cut(r *http.Request) bool { return r.Context().Value(cutKey{}) != nil }

// disturbed lets an order come before a handler.
func (s *Server) disturbed(operation string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch effect := s.next(operation); effect {
		case "":
			next(w, r)
		case Timeout:
			_, _ = io.Copy(io.Discard, r.Body) // only then is the client's end seen
			select {
			case <-r.Context().Done():
			case <-s.ended:
			}
			panic(http.ErrAbortHandler)
		case Drop:
			panic(http.ErrAbortHandler)
		case Lost:
			next(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case Forget:
			w.WriteHeader(http.StatusNoContent)
		case Garbage:
			_, _ = io.WriteString(w, "<html>Wartung</html>")
		case Cut:
			next(w, r.WithContext(context.WithValue(r.Context(), cutKey{}, true)))
		case OtherTags:
			next(w, r.WithContext(context.WithValue(r.Context(), tagsKey{}, true)))
		case Expired:
			s.Expire()
			next(w, r)
		case Slow:
			w.Header().Set("Retry-After", "1")
			problem(w, http.StatusTooManyRequests, "too-many-requests")
		default:
			status, _ := strconv.Atoi(string(effect)) // was looked at when it was ordered
			problem(w, status, "ordered")
		}
	}
}

// orderFault is POST /sim/fehler with an Order.
func (s *Server) orderFault(w http.ResponseWriter, r *http.Request) {
	var o Order
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&o)
	if err == nil {
		err = s.Order(o)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
