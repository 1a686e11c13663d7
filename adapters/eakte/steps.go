package eakte

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// Each step is the same: what was reached is on disk; if not, the E-Akte is searched
// for it, since a crash may have come between; only then it is made.

// file gives the COO address of the file.
func (s *sink) file(ctx context.Context, j job) (string, error) {
	if j.where.Akte.COO != "" {
		return j.where.Akte.COO, nil
	}
	if known, err := s.memory.get(j.fileMark); err != nil {
		return "", err
	} else if known != nil {
		return known.COO, nil
	}
	coo, err := s.client.find(ctx, "files", map[string]string{"apentry": j.where.Akte.Aktenplan}, j.fileMark)
	if err != nil {
		return "", fault("search for the file", err)
	}
	if coo == "" {
		made, err := s.attempt(ctx, j.fileMark, func() (Created, error) {
			return s.client.create(ctx, "files", given(map[string]string{
				"apentry": j.where.Akte.Aktenplan, "shortname": j.fileTitle, "filesubj": j.fileMark, "accdef": j.where.Akte.Zugriff,
			}))
		})
		if err != nil {
			return "", fault("make the file", err)
		}
		coo = made.COO
	}
	return coo, s.memory.put(j.fileMark, step{COO: coo, At: now()})
}

// procedure gives the procedure of the event's case.
func (s *sink) procedure(ctx context.Context, j job) (step, error) {
	if known, err := s.memory.get(j.caseMark); err != nil {
		return step{}, err
	} else if known != nil {
		return *known, nil
	}
	file, err := s.file(ctx, j)
	if err != nil {
		return step{}, err
	}
	coo, err := s.client.find(ctx, "procedures", map[string]string{"referrednumber": file}, j.caseMark)
	if err != nil {
		return step{}, fault("search for the procedure", err)
	}
	reached := step{COO: coo, In: file, At: now()}
	if coo == "" {
		made, err := s.attempt(ctx, j.caseMark, func() (Created, error) {
			return s.client.create(ctx, "procedures", given(map[string]string{
				"referrednumber": file, "shortname": j.caseTitle, "filesubj": j.caseMark, "accdef": j.where.Vorgang.Zugriff,
			}))
		})
		if err != nil {
			return step{}, fault("make the procedure", err)
		}
		reached.COO, reached.Name = made.COO, reference(made.Name, j.caseTitle)
	}
	return reached, s.memory.put(j.caseMark, reached)
}

// incoming gives the Eingang of the event. Its mark stands in its title, since REST-EAI
// 1.2.5 neither searches for a foreignnr nor reads an Eingang.
func (s *sink) incoming(ctx context.Context, j job, procedure step) (step, error) {
	if known, err := s.memory.get(j.mark); err != nil {
		return step{}, err
	} else if known != nil {
		return *known, nil
	}
	reached, err := s.filed(ctx, j, procedure)
	if err != nil {
		return step{}, err
	}
	if reached.COO == "" {
		made, err := s.attempt(ctx, j.mark, func() (Created, error) {
			return s.client.file(ctx, given(map[string]string{
				"referrednumber": procedure.COO, "shortname": j.title + " [" + j.mark + "]", "foreignnr": j.event.ID(), "accdef": j.where.Eingang.Zugriff,
				"delivery": received(j.event),
			}), j.docs, j.blobs)
		})
		if err != nil {
			return step{}, fault("file the document", err)
		}
		reached = step{COO: made.COO, In: procedure.COO, At: now(), Contents: addresses(made.Contents)}
	}
	return reached, s.memory.put(j.mark, reached)
}

// filed looks for the Eingang of an earlier attempt; the step has no COO if there is
// none.
func (s *sink) filed(ctx context.Context, j job, procedure step) (step, error) {
	there, err := s.client.within(ctx, "procedureObjects", procedure.COO)
	if errors.Is(err, errGone) {
		// Somebody has deleted it. The next attempt looks for it, and makes it anew.
		return step{}, hub.Retryable("vorgang-weg", "look into the procedure: %w", errors.Join(err, s.memory.drop(j.caseMark)))
	}
	if err != nil {
		return step{}, fault("look into the procedure", err)
	}
	for _, o := range there {
		if !strings.Contains(o.Name, "["+j.mark+"]") {
			continue
		}
		contents, err := s.client.within(ctx, "documentObjects", o.COO)
		if err != nil {
			return step{}, fault("look into the document", err)
		}
		return step{COO: o.COO, In: procedure.COO, At: now(), Contents: addresses(contents)}, nil
	}
	return step{}, nil
}

// given leaves out what is empty.
func given(all map[string]string) map[string]string {
	for key, value := range all {
		if value == "" {
			delete(all, key)
		}
	}
	return all
}

func received(e hub.Event) string {
	if e.Time().IsZero() {
		return ""
	}
	return e.Time().UTC().Format(time.RFC3339)
}

func addresses(all []Object) (coos []string) {
	for _, o := range all[:min(len(all), maxDocuments)] {
		coos = append(coos, o.COO)
	}
	return coos
}

var referenceForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z ./-]{2,80}$`)

// reference is the Geschäftszeichen that the E-Akte puts behind a title: "Anfrage
// Baugenehmigung (0010 A20 011-4-0006)". Any other name gives none.
func reference(name, title string) string {
	rest, ok := strings.CutPrefix(name, title+" (")
	rest, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed || !referenceForm.MatchString(rest) {
		return ""
	}
	return rest
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
