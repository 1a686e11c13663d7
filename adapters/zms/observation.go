package zms

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// Observation is what is read of a process, and nothing else is: no client, no
// authKey, no text that somebody wrote. Times are Unix seconds, 0 for unknown.
type Observation struct {
	Process      string   `json:"vorgangsnummer"` // unique within ZMS at one time; used again later
	Created      int64    `json:"erzeugt,omitempty"`
	Changed      int64    `json:"geaendert,omitempty"`
	Ordered      int64    `json:"beauftragt,omitempty"` // when an order made it so, where the answer has no Changed
	Status       string   `json:"status"`
	Scope        string   `json:"scope"`
	Dienststelle string   `json:"dienststelle,omitempty"` // provider, also called officeId
	Begin        int64    `json:"beginn,omitempty"`
	Minutes      int64    `json:"dauer,omitempty"`
	Leistungen   []string `json:"leistungen,omitempty"`
	Leika        string   `json:"leika,omitempty"`
	Token        string   `json:"kennung,omitempty"`      // where the sink reserved it
	Reserved     int64    `json:"reservierung,omitempty"` // minutes that a reservation lasts
	WalkIn       bool     `json:"ohneTermin,omitempty"`   // a waiting number
}

// process is the allow-list, in the form of schema-process.json.
type process struct {
	ID           text                  `json:"id"`
	Status       text                  `json:"status"`
	Created      number                `json:"createTimestamp"`
	Changed      number                `json:"lastChange"`
	External     text                  `json:"externalUserId"`
	Scope        object[scope]         `json:"scope"`
	Appointments list[appointment]     `json:"appointments"`
	Requests     list[object[request]] `json:"requests"`
	Queue        object[struct {
		WithAppointment truth `json:"withAppointment"`
		Status          text  `json:"status"`
	}] `json:"queue"`
}

type scope struct {
	ID       text `json:"id"`
	Provider object[struct {
		ID text `json:"id"`
	}] `json:"provider"`
	Preferences object[struct {
		Appointment object[struct {
			Reservation number `json:"reservationDuration"`
		}] `json:"appointment"`
	}] `json:"preferences"`
}

type appointment struct {
	Date         number        `json:"date"`
	Slots        number        `json:"slotCount"`
	Scope        object[scope] `json:"scope"`
	Availability object[struct {
		Minutes number `json:"slotTimeInMinutes"`
	}] `json:"availability"`
}

type request struct {
	ID   text `json:"id"`
	Data object[struct {
		Leika json.RawMessage `json:"leika"`
	}] `json:"data"`
}

// The status of a process (schema-process.json).
const (
	free, reserved, preconfirmed, confirmed = "free", "reserved", "preconfirmed", "confirmed"
	queued, called, processing, pending     = "queued", "called", "processing", "pending"
	finished, missed, parked, archived      = "finished", "missed", "parked", "archived"
	deleted, anonymized, blocked, conflict  = "deleted", "anonymized", "blocked", "conflict"
)

var (
	known = []string{
		free, reserved, preconfirmed, confirmed, queued, called, processing, pending,
		finished, missed, parked, archived, deleted, anonymized, blocked, conflict,
	}
	// booked: somebody has an appointment, or had it.
	booked = []string{confirmed, queued, called, processing, pending, parked, missed, finished}
	// cancelled: blocked keeps the number of a deleted process from use on the same day.
	cancelled = []string{deleted, blocked}
)

// latest is the last moment that RFC 3339 can write.
var latest = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Unix()

// ReadProcess reads one process. The error is a Permanent Fault without any value of
// it; the number of the process is given also then, if it could be read.
func ReadProcess(raw []byte) (Observation, error) {
	var p process
	if json.Unmarshal(raw, &p) != nil {
		return Observation{Process: numberOf(raw)}, hub.Permanent("unlesbar", "a process that does not have the form of ZMS")
	}
	if p.Status == "" {
		p.Status = p.Queue.V.Status // fixture-POST_cancel_appointment.json
	}
	o := Observation{
		Process: string(p.ID), Created: int64(p.Created), Changed: int64(p.Changed), Status: string(p.Status),
		Token: ourToken(string(p.External)), Scope: string(p.Scope.V.ID), Dienststelle: number12(p.Scope.V.Provider.V.ID),
		Reserved: int64(p.Scope.V.Preferences.V.Appointment.V.Reservation),
	}
	o.addAppointment(p.Appointments)
	// false is also what stands there before anybody has looked (schema-queue.json).
	o.WalkIn = p.Queue.V.WithAppointment == "0" || p.Queue.V.WithAppointment == "false" && o.Begin == 0
	o.addRequests(p.Requests)
	return o, o.judge()
}

func (o *Observation) addAppointment(all []appointment) {
	if len(all) == 0 {
		return
	}
	a := all[0]
	o.Begin = int64(a.Date)
	if minutes := int64(a.Slots) * int64(a.Availability.V.Minutes); a.Slots < 1000 && a.Availability.V.Minutes < 1000 && minutes >= 1 && minutes <= 720 {
		o.Minutes = minutes
	}
	if o.Scope == "" {
		o.Scope = string(a.Scope.V.ID)
	}
	if o.Dienststelle == "" {
		o.Dienststelle = number12(a.Scope.V.Provider.V.ID)
	}
}

// maxLeistungen is how many the schema of events takes.
const maxLeistungen = 20

func (o *Observation) addRequests(all []object[request]) {
	for _, r := range all {
		id := number12(r.V.ID)
		if id == "" || len(o.Leistungen) == maxLeistungen {
			continue
		}
		var leika text
		if len(o.Leistungen) == 0 && len(r.V.Data.V.Leika) > 0 && json.Unmarshal(r.V.Data.V.Leika, &leika) == nil && leikaForm.MatchString(string(leika)) {
			o.Leika = string(leika)
		}
		o.Leistungen = append(o.Leistungen, id)
	}
}

func (o *Observation) judge() error {
	switch {
	case !numberForm.MatchString(o.Process) || o.Process[0] == '0':
		o.Process = ""
		return hub.Permanent("ohne-vorgangsnummer", "a process without a number")
	case !slices.Contains(known, o.Status):
		return hub.Permanent("unbekannter-status", "a process with a status that is not in schema-process.json")
	case o.Begin < 0 || o.Begin > latest || o.Changed < 0 || o.Changed > latest || o.Created < 0:
		return hub.Permanent("kein-zeitpunkt", "a process with a time that is none")
	case slices.Contains(booked, o.Status) && !o.WalkIn && o.Begin == 0:
		return hub.Permanent("ohne-zeitpunkt", "a booked process without the time of its appointment")
	}
	return nil
}

// numberOf is the number of a process that cannot be read as a whole, "" for none.
func numberOf(raw []byte) string {
	var p struct {
		ID text `json:"id"`
	}
	if json.Unmarshal(raw, &p) != nil {
		return ""
	}
	return number12(p.ID)
}

func number12(t text) string {
	if !numberForm.MatchString(string(t)) {
		return ""
	}
	return string(t)
}

// tokenPrefix marks the externalUserId of what the sink reserved.
const tokenPrefix = "amtsbote-"

func ourToken(external string) string {
	token, ours := strings.CutPrefix(external, tokenPrefix)
	if !ours || !tokenForm.MatchString(token) {
		return ""
	}
	return token
}
