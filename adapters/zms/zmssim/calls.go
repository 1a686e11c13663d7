package zmssim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// list gives the processes that fit, by number. Callers hold no lock.
func (s *Server) list(fits func(Process) bool) (int, any) {
	all := []any{}
	for _, p := range s.Processes() {
		if fits(p) {
			all = append(all, p)
		}
	}
	return http.StatusOK, all
}

func (s *Server) day(r *http.Request) (int, any) {
	return s.list(func(p Process) bool {
		return scopeOf(p) == r.PathValue("id") && dayOf(p) == r.PathValue("day") && p["status"] != "deleted"
	})
}

func (s *Server) withStatus(r *http.Request) (int, any) {
	return s.list(func(p Process) bool {
		return scopeOf(p) == r.PathValue("id") && p["status"] == r.PathValue("status")
	})
}

func (s *Server) external(r *http.Request) (int, any) {
	return s.list(func(p Process) bool { return p["externalUserId"] == r.PathValue("external") })
}

func (s *Server) one(r *http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.processes[r.PathValue("id")]
	if p == nil {
		return http.StatusNotFound, nil
	}
	return http.StatusOK, maps.Clone(p)
}

// free is POST /process/status/free/: slots as processes with the number 0
// (fixture-GET_appointments_free.json).
func (s *Server) free(r *http.Request) (int, any) {
	var c struct {
		FirstDay, LastDay struct{ Year, Month, Day int }
		Scopes            []struct{ ID string }
	}
	if json.NewDecoder(r.Body).Decode(&c) != nil || c.FirstDay.Year == 0 || c.LastDay.Year == 0 {
		return http.StatusBadRequest, nil
	}
	first := time.Date(c.FirstDay.Year, time.Month(c.FirstDay.Month), c.FirstDay.Day, 0, 0, 0, 0, berlin()).Unix()
	end := time.Date(c.LastDay.Year, time.Month(c.LastDay.Month), c.LastDay.Day+1, 0, 0, 0, 0, berlin()).Unix()
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []any{}
	for _, slot := range s.slots {
		asked := slices.ContainsFunc(c.Scopes, func(sc struct{ ID string }) bool { return sc.ID == slot.Scope })
		if asked && slot.Beginn >= first && slot.Beginn < end {
			all = append(all, slot.process())
		}
	}
	if len(all) == 0 {
		return http.StatusNotFound, all
	}
	return http.StatusOK, all
}

func (slot Slot) process() Process {
	minutes := slot.Minuten
	if minutes == 0 {
		minutes = 10
	}
	return Process{
		"$schema": "https://schema.berlin.de/queuemanagement/process.json", "amendment": "", "authKey": "", "id": 0, "queue": []any{},
		"appointments": []any{map[string]any{
			"date": strconv.FormatInt(slot.Beginn, 10), "slotCount": "1", "scope": map[string]any{"id": slot.Scope, "source": "dldb"},
			"availability": map[string]any{"id": 0, "slotTimeInMinutes": minutes, "type": "appointment"},
		}},
		"scope": map[string]any{
			"id": slot.Scope, "source": "dldb", "provider": map[string]any{"id": slot.Anbieter, "source": "dldb"},
			"preferences": map[string]any{"appointment": map[string]any{"reservationDuration": strconv.Itoa(slot.Reserviert)}},
		},
		"status": "free", "lastChange": 0,
	}
}

// reserve is POST /process/status/reserved/: somebody may have been faster.
func (s *Server) reserve(r *http.Request) (int, any) {
	var p Process
	if json.NewDecoder(r.Body).Decode(&p) != nil || len(toList(p["requests"])) == 0 || len(toList(p["clients"])) == 0 {
		return http.StatusBadRequest, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.slots, func(slot Slot) bool { return slot.Scope == scopeOf(p) && slot.Beginn == beginOf(p) })
	if i < 0 {
		return http.StatusNotFound, nil
	}
	s.slots = slices.Delete(s.slots, i, i+1)
	id := strconv.Itoa(s.next)
	s.next++
	now := s.now().Unix()
	p["id"], p["status"], p["authKey"] = id, "reserved", "fb43"
	p["createTimestamp"], p["lastChange"] = now, now
	p["queue"] = map[string]any{"status": "reserved", "withAppointment": "1", "number": id}
	s.processes[id] = p
	return http.StatusOK, maps.Clone(p)
}

func toList(v any) []any {
	l, _ := v.([]any)
	return l
}

// confirm is POST /process/status/confirmed/.
func (s *Server) confirm(r *http.Request) (int, any) {
	var given Process
	if json.NewDecoder(r.Body).Decode(&given) != nil {
		return http.StatusBadRequest, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.processes[idOf(given)]
	switch {
	case p == nil, p["status"] != "reserved" && p["status"] != "preconfirmed":
		return http.StatusNotFound, nil
	case p["authKey"] != given["authKey"]:
		return http.StatusForbidden, nil
	}
	return http.StatusOK, s.change(p, "confirmed")
}

func (s *Server) change(p Process, status string) Process {
	p = maps.Clone(p)
	p["status"] = status
	p["lastChange"] = max(s.now().Unix(), number(p["lastChange"])+1)
	s.processes[idOf(p)] = p
	answer := maps.Clone(p)
	delete(answer, "lastChange") // fixture-POST_confirm_appointment.json, -POST_cancel_
	return answer
}

func number(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	}
	return 0
}

// remove is DELETE /process/{id}/. What it deletes is in no list of a day any more.
func (s *Server) remove(r *http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.processes[r.PathValue("id")]
	if p == nil {
		return http.StatusNotFound, nil
	}
	return http.StatusOK, s.change(p, "deleted")
}
