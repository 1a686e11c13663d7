package open311

import (
	"maps"
	"slices"
	"strings"
)

// dialect is how a server differs from the plain GeoReport v2. Each detail can be set
// (setting details); README.md says which of the defaults are UNVERIFIED.
type dialect struct {
	// Query holds further parameters of every question for requests.
	Query map[string]string `yaml:"query"`
	// UpdatedFrom and UpdatedTo are the parameters by which requests are asked for by
	// their last change; empty where the server has none.
	UpdatedFrom string `yaml:"updated-from"`
	UpdatedTo   string `yaml:"updated-to"`
	// Limit is how many entries an answer has at most; LimitName and OffsetName are the
	// parameters for paging, empty where the server has none.
	Limit      int    `yaml:"limit"`
	LimitName  string `yaml:"limit-parameter"`
	OffsetName string `yaml:"offset-parameter"`
	PerMinute  int    `yaml:"per-minute"`
	// Detail and Notes are paths of fields (georeport.Fields.First).
	Detail []string `yaml:"detail-fields"`
	Notes  []string `yaml:"notes-fields"`
	// Open and Closed are the values of status, Rejected the values of status or detail
	// that mean that nothing will be mended, each with its grund.
	Open     []string          `yaml:"open"`
	Closed   []string          `yaml:"closed"`
	Rejected map[string]string `yaml:"rejected"`
	// Updates is the resource that tells changes apart from requests (FixMyStreet).
	Updates string `yaml:"updates"`
	// ReadUpdates tells that updates can be asked for; FixMyStreet itself takes them alone.
	ReadUpdates bool `yaml:"read-updates"`
	// IDs is the parameter of a question for certain reports.
	IDs string `yaml:"ids-parameter"`
	// EmptyIs404 tells that the server answers 404 when there is nothing to list.
	EmptyIs404 bool `yaml:"empty-is-404"`
	// Write is how a report's status is written: post, put or patch to its resource,
	// update to Updates, none.
	Write string `yaml:"write"`
	// WriteClosed and WriteRejected are what is written when a report is closed.
	WriteClosed   map[string]string `yaml:"write-closed"`
	WriteRejected map[string]string `yaml:"write-rejected"`
	// WriteNotes is the parameter for the text.
	WriteNotes string `yaml:"write-notes"`
	// Email tells that reports need an e-mail address.
	Email bool `yaml:"email-required"`
	// Lookup is how a report whose sending was cut off is found again: by its
	// description, or not at all (none).
	Lookup string `yaml:"lookup"`
}

// grund are the reasons of de.maengel.meldung-nicht-loesbar.v1.
var grund = []string{"doppelt", "kein-mangel", "nicht-auffindbar", "nicht-zustaendig", "privatgrund", "sonstiger"}

func plain() dialect {
	return dialect{
		Limit: 1000, PerMinute: 60, Notes: []string{"status_notes"}, Open: []string{"open"}, Closed: []string{"closed"},
		Write: writeNone, WriteClosed: map[string]string{"status": "closed"}, WriteRejected: map[string]string{"status": "closed"},
		WriteNotes: "status_notes", Lookup: lookupDescription, IDs: "service_request_id",
	}
}

const (
	writeNone   = "none"
	writeUpdate = "update"

	lookupDescription = "description"
	lookupNone        = "none"
)

// dialects by the value of the setting. What they hold comes from
// facts/city.md 5; the values of status of FixMyStreet are UNVERIFIED.
func dialects() map[string]dialect {
	mas, ks, fms := plain(), plain(), plain()
	mas.Query = map[string]string{"extensions": "true", "meta": "true", "sort": "-updated"}
	mas.UpdatedFrom, mas.Limit, mas.LimitName, mas.OffsetName, mas.PerMinute = "updated", 100, "limit", "offset", 50
	mas.Detail = []string{"extended_attributes.markaspot.status_descriptive_name"}
	mas.Notes = []string{"status_notes", "extended_attributes.markaspot.status_notes.*.status_note"}
	mas.Write = "post"
	// Unless asked, it gives open ones alone, and no extended_attributes.
	ks.Query = map[string]string{"extensions": "true", "status": "open,closed"}
	ks.UpdatedFrom, ks.UpdatedTo = "updated_after", "updated_before"
	ks.Detail, ks.Email = []string{"detailed_status", "extended_attributes.detailed_status"}, true
	ks.Open = append(ks.Open, "gemeldet", "offen", "inBearbeitung")
	ks.Closed = append(ks.Closed, "geloest", "nichtLoesbar")
	ks.Rejected = map[string]string{"REJECTED": "sonstiger", "nichtLoesbar": "sonstiger"}
	ks.Write = "patch"
	ks.WriteClosed, ks.WriteRejected = map[string]string{"detailed_status": "PROCESSED"}, map[string]string{"detailed_status": "REJECTED"}
	fms.Updates, fms.Write, fms.WriteNotes = "servicerequestupdates", writeUpdate, "description"
	// An update without a text is refused.
	fms.WriteClosed = map[string]string{"status": "closed", "description": "Die Meldung ist erledigt."}
	fms.WriteRejected = map[string]string{"status": "closed", "description": "Die Meldung ist abgeschlossen."}
	fms.Open = append(fms.Open, "confirmed", "investigating", "planned", "in_progress", "action_scheduled")
	// What is closed without having been fixed it lists without a status.
	fms.Closed = append(fms.Closed, "", "fixed", "fixed_council", "fixed_user", "duplicate", "no_further_action", "not_councils_responsibility", "unable_to_fix")
	fms.Rejected = map[string]string{
		"":          "sonstiger",
		"duplicate": "doppelt", "no_further_action": "sonstiger", "not_councils_responsibility": "nicht-zustaendig", "unable_to_fix": "sonstiger",
	}
	return map[string]dialect{"georeport": plain(), "mark-a-spot": mas, "klarschiff": ks, "fixmystreet": fms}
}

func dialectNames() string { return strings.Join(slices.Sorted(maps.Keys(dialects())), ", ") }

// problem finds what is wrong with details that were set.
func (d dialect) problem() (key, why string) {
	switch {
	case d.Limit < 2 || d.Limit > 10_000:
		return "limit", "must be 2 to 10000"
	case d.OffsetName != "" && d.LimitName == "":
		return "limit-parameter", "is needed with offset-parameter"
	case d.UpdatedFrom != "" && d.UpdatedTo == "" && d.OffsetName == "":
		return "updated-to", "is needed where there is no paging: a full answer is asked for again in halves"
	case d.PerMinute < 0:
		return "per-minute", "must be 0 (any number) or more"
	case len(d.Open) == 0 || len(d.Closed) == 0:
		return "open", "and closed must name at least one status each"
	case !slices.Contains([]string{writeNone, writeUpdate, "post", "put", "patch"}, d.Write):
		return "write", "must be none, post, put, patch or update"
	case d.Write == writeUpdate && d.Updates == "":
		return "updates", "must name the resource of updates when write is update"
	case d.ReadUpdates && d.Updates == "":
		return "updates", "must name the resource of updates when read-updates is true"
	case d.IDs == "":
		return "ids-parameter", "is missing"
	case d.Lookup != lookupDescription && d.Lookup != lookupNone:
		return "lookup", "must be description or none"
	}
	for _, g := range d.Rejected {
		if !slices.Contains(grund, g) {
			return "rejected", "gives each status one of " + strings.Join(grund, ", ")
		}
	}
	return "", ""
}

// The states of a report, as the events name them.
const (
	offen       = "offen"
	geschlossen = "geschlossen"
)

// state reads a status; "" for one that is not known.
func (d dialect) state(status string) string {
	same := func(v string) bool { return strings.EqualFold(v, status) }
	switch {
	case slices.ContainsFunc(d.Closed, same):
		return geschlossen
	case slices.ContainsFunc(d.Open, same):
		return offen
	}
	return ""
}

// reason is why a closed report was not mended, "" when it was.
func (d dialect) reason(status, detail string) string {
	for value, g := range d.Rejected {
		if strings.EqualFold(value, status) || value != "" && strings.EqualFold(value, detail) {
			return g
		}
	}
	return ""
}
