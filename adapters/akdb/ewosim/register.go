package ewosim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Register holds persons by Ordnungsmerkmal, in the form of the Swagger's
// PersonErweitert. It is safe for concurrent use.
type Register struct {
	mu      sync.Mutex
	persons map[string]map[string]any
	faults  []*Fault
	changed func(om string) error // tells the feed
}

// NewRegister makes an empty register; changed is called for each record of the
// feed and may be nil.
func NewRegister(changed func(om string) error) *Register {
	if changed == nil {
		changed = func(string) error { return nil }
	}
	return &Register{persons: map[string]map[string]any{}, changed: changed}
}

// Put enters a person or replaces it, and tells the feed.
func (r *Register) Put(person []byte) error {
	om, err := r.enter(person)
	if err != nil {
		return err
	}
	return r.changed(om)
}

func (r *Register) enter(person []byte) (om string, err error) {
	var p map[string]any
	if err := json.Unmarshal(person, &p); err != nil {
		return "", fmt.Errorf("person: %w", err)
	}
	om, _ = p["ordnungsmerkmal"].(string)
	if om == "" {
		return "", errors.New("person: ordnungsmerkmal is missing")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.persons[om] = p
	return om, nil
}

// Announce puts an Ordnungsmerkmal on the feed n times, whether or not anything
// has changed or anybody is known by it.
func (r *Register) Announce(om string, n int) error {
	for range n {
		if err := r.changed(om); err != nil {
			return err
		}
	}
	return nil
}

// Renumber gives a person another Ordnungsmerkmal: the old one is unknown from
// then on, the record names it as frueheresOm, and the feed tells the new one.
func (r *Register) Renumber(from, to string) error {
	r.mu.Lock()
	p := r.persons[from]
	if p == nil || to == "" || r.persons[to] != nil {
		r.mu.Unlock()
		return errors.New("renumber: nobody has the old Ordnungsmerkmal, or somebody has the new one")
	}
	delete(r.persons, from)
	p["ordnungsmerkmal"], p["frueheresOm"] = to, from
	r.persons[to] = p
	r.mu.Unlock()
	return r.changed(to)
}

// Fault is what goes wrong with the next calls.
type Fault struct {
	// Art: frist (no answer until the caller gives up), leer (an empty body),
	// unlesbar (an HTML page), or an HTTP status such as "500".
	Art string `json:"art"`
	// Mal is how many calls it befalls; 0 means once.
	Mal int `json:"mal"`
	// Ordnungsmerkmal limits it to calls about one person; "" befalls all.
	Ordnungsmerkmal string `json:"ordnungsmerkmal"`
}

// Order orders a fault.
func (r *Register) Order(f Fault) error {
	if !slices.Contains([]string{"frist", "leer", "unlesbar"}, f.Art) && !isStatus(f.Art) {
		return errors.New("fault: art must be frist, leer, unlesbar or an HTTP status from 400 to 599")
	}
	f.Mal = max(f.Mal, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, &f)
	return nil
}

func isStatus(art string) bool {
	return len(art) == 3 && (art[0] == '4' || art[0] == '5') && strings.Trim(art, "0123456789") == ""
}

// strike gives what befalls a call about om, "" for nothing.
func (r *Register) strike(om string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, f := range r.faults {
		if f.Ordnungsmerkmal != "" && f.Ordnungsmerkmal != om {
			continue
		}
		if f.Mal--; f.Mal == 0 {
			r.faults = slices.Delete(r.faults, i, i+1)
		}
		return f.Art
	}
	return ""
}

// get gives a copy of a person's record, nil for an unknown one.
func (r *Register) get(om string) map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return clone(r.persons[om])
}

// all gives copies of all records, by Ordnungsmerkmal.
func (r *Register) all() []map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	var oms []string
	for om := range r.persons {
		oms = append(oms, om)
	}
	slices.Sort(oms)
	out := make([]map[string]any, 0, len(oms))
	for _, om := range oms {
		out = append(out, clone(r.persons[om]))
	}
	return out
}

func clone(p map[string]any) map[string]any {
	if p == nil {
		return nil
	}
	c, _ := cloneValue(p).(map[string]any)
	return c
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = cloneValue(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = cloneValue(value)
		}
		return out
	}
	return v
}
