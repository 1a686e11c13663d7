package dataport

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// refusal is why a submission cannot become an event. With a problem it is the
// sender's technical fault, and may be told to it; without one it is ours to mend.
// Its texts hold nothing of the content.
type refusal struct {
	Code     string `json:"code"`
	Text     string `json:"text"`
	Problem  string `json:"problem,omitempty"`  // of package fit
	Instance string `json:"instance,omitempty"` // metadata, data, attachment:<id>
}

// Error implements error.
func (r *refusal) Error() string { return r.Text }

// ours is a refusal that stays here.
func ours(code, format string, args ...any) error {
	return &refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

// theirs is one that the sender may be told.
func theirs(problem, instance, format string, args ...any) error {
	return &refusal{Code: "fit-" + problem, Problem: problem, Instance: instance, Text: instance + ": " + fmt.Sprintf(format, args...)}
}

// transport says whether what came may not be what the service has.
func (r *refusal) transport() bool {
	return r.Problem == fit.EncryptionIssue || r.Problem == fit.IncorrectTag
}

// partRefusal says what an error of package fit about a part means; one that is no
// refusal (the disk) stays as it is.
func partRefusal(err error, instance string) error {
	switch {
	case errors.Is(err, fit.ErrNoKey):
		return ours("fit-no-key", "%s: is encrypted to a key that is not among schluessel", instance)
	case errors.Is(err, fit.ErrTooLarge):
		return ours("too-large", "%s: is larger than allowed (max-daten, max-anlage, max-gesamt)", instance)
	case errors.Is(err, fit.ErrForm), errors.Is(err, fit.ErrAlgorithm), errors.Is(err, fit.ErrDecrypt):
		return theirs(fit.EncryptionIssue, instance, "%v", err)
	}
	return err
}

// asRefusal finds a refusal in err. What the hub refuses for good is ours.
func asRefusal(err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	if f := hub.FaultOf(err); f != nil && f.Permanent {
		return &refusal{Code: f.Code, Text: f.Error()}
	}
	return nil
}

// asidePath is the file whose presence keeps a submission aside: a person takes it
// away to have it tried again.
func (s *source) asidePath(submission string) string {
	return filepath.Join(s.aside, submission+".json")
}

func (s *source) isAside(submission string) (bool, error) {
	_, err := os.Lstat(s.asidePath(submission))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// report lays a submission's ids aside, with the reason; the submission itself is
// with the service, until that gives it up.
func (s *source) report(submission, theCase string, r *refusal) error {
	f, err := os.CreateTemp(s.work, "fit-*.part")
	if err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	_, err = fmt.Fprintf(f, "{\n  \"zustellpunkt\": %q,\n  \"submissionId\": %q,\n  \"caseId\": %q\n}\n", s.set.Zustellpunkt, submission, theCase)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	return dropfolder.SetAside(s.aside, f.Name(), submission+".json", hub.Permanent(r.Code, "%s", r.Text))
}

// problem is what the sender is told.
func (s *source) problem(r *refusal) fit.Problem {
	typ := fit.ProblemPrefix + r.Problem
	if other := s.set.Probleme[r.Problem]; other != "" {
		typ = other
	}
	return fit.Problem{Type: typ, Title: fit.Titles[r.Problem], Detail: r.Text, Instance: r.Instance}
}
