package open311sim

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

// post files a report (GeoReport v2, POST Service Request).
func (c *call) post() {
	form := c.form()
	if form == nil {
		return
	}
	kind := c.kindOf(form.Get("service_code"))
	placed := form.Get("lat") != "" && form.Get("long") != "" || form.Get("address_string") != "" || form.Get("address_id") != ""
	switch {
	case kind == "":
		c.refuse(http.StatusNotFound)
		return
	case !placed, c.set.Dialect == "klarschiff" && form.Get("email") == "", len([]rune(form.Get("description"))) > 4000:
		c.refuse(http.StatusBadRequest)
		return
	}
	c.posts = append(c.posts, form)
	c.number++
	r := &Report{
		ID: c.id(), Service: form.Get("service_code"), Status: "open", Description: form.Get("description"),
		Address: form.Get("address_string"), Lat: form.Get("lat"), Long: form.Get("long"), MediaURL: form.Get("media_url"),
		Email: form.Get("email"), Requested: c.now(), Updated: c.now(), Hidden: c.set.Moderated,
	}
	if c.set.Dialect == "klarschiff" {
		r.Detail = "PENDING"
	}
	c.reports = append(c.reports, r)
	answer := item{{"service_request_id", r.ID}, {"service_notice", ""}, {"account_id", ""}}
	switch kind {
	case "batch":
		r.token = strconv.Itoa(12345 + c.number)
		answer[0] = [2]string{"token", r.token}
	case "blackbox":
		answer = answer[1:]
	}
	c.answer(c.w, http.StatusOK, c.format, "service_requests", "request", []item{answer}, true)
}

// form reads what was sent, and looks at the key; nil when it was refused.
func (c *call) form() url.Values {
	c.r.Body = http.MaxBytesReader(c.w, c.r.Body, 1<<20)
	if c.r.ParseForm() != nil {
		c.refuse(http.StatusBadRequest)
		return nil
	}
	form := c.r.PostForm
	if form.Get("api_key") != c.set.Key {
		c.refuse(http.StatusForbidden)
		return nil
	}
	form.Del("api_key")
	return form
}

// writes is the method by which the dialect changes a report.
func (set Settings) writes() string {
	return map[string]string{"mark-a-spot": http.MethodPost, "klarschiff": http.MethodPatch}[set.Dialect]
}

// edit changes a report.
func (c *call) edit() {
	form := c.form()
	if form == nil {
		return
	}
	r := c.find(c.path[1])
	if r == nil {
		c.refuse(http.StatusNotFound)
		return
	}
	status := form.Get("status")
	if c.set.Dialect == "klarschiff" {
		status = map[string]string{"PROCESSED": "closed", "REJECTED": "closed"}[form.Get("detailed_status")]
	}
	c.change(r, Report{Status: status, Detail: form.Get("detailed_status"), Notes: form.Get("status_notes")})
	c.answer(c.w, http.StatusOK, c.format, "service_requests", "request", []item{{{"service_request_id", r.ID}}}, true)
}

// told gives or takes updates (FixMyStreet).
func (c *call) told() {
	if c.r.Method == http.MethodPost {
		c.tellUpdate()
		return
	}
	w, err := spanOf(c.r.URL.Query(), "start_date", "end_date")
	if err != nil {
		c.refuse(http.StatusBadRequest)
		return
	}
	var items []item
	for _, u := range c.updates {
		if w.has(u.At) && len(items) < c.set.Limit {
			items = append(items, item{
				{"update_id", u.ID},
				{"service_request_id", u.Request},
				{"status", u.Status},
				{"updated_datetime", stamp(u.At)},
				{"description", u.Description},
			})
		}
	}
	c.answer(c.w, http.StatusOK, c.format, "service_request_updates", "request_update", items, false)
}

func (c *call) tellUpdate() {
	form := c.form()
	if form == nil {
		return
	}
	r := c.find(form.Get("service_request_id"))
	if r == nil {
		c.refuse(http.StatusNotFound)
		return
	}
	if form.Get("description") == "" {
		c.refuse(http.StatusBadRequest)
		return
	}
	u := Update{ID: form.Get("update_id"), Request: r.ID, Status: form.Get("status"), Description: form.Get("description"), At: c.now()}
	c.updates = append(c.updates, u)
	c.change(r, Report{Status: u.Status})
	c.answer(c.w, http.StatusOK, c.format, "service_request_updates", "request_update", []item{{{"update_id", u.ID}}}, false)
}

// extended is the list of Mark-a-Spot with extensions=true.
func (c *call) extended(found []*Report, items []item, total int) {
	list := make([]map[string]any, 0, len(items))
	for n, i := range items {
		o := c.object(i)
		o["extended_attributes"] = map[string]any{"markaspot": map[string]any{
			"status_descriptive_name": cmp.Or(found[n].Detail, found[n].Status),
		}}
		list = append(list, o)
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(c.w).Encode(map[string]any{
		"requests": list, "meta": map[string]int{"total": total, "limit": c.set.Limit, "offset": 0},
	})
}

// work does what the simulated office does: it closes reports some time after they
// were filed.
func (s *Server) work() {
	w := s.set.Work
	if w == nil {
		return
	}
	for _, r := range s.reports {
		if r.Status == "open" && !s.now().Before(r.Requested.Add(w.After)) {
			s.change(r, Report{Status: "closed", Detail: w.Detail, Notes: w.Notes, Agency: w.Agency})
		}
	}
}

// order decodes what a tester orders, and does it.
func order[T any](do func(T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o T
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&o)
		if err == nil {
			err = do(o)
		}
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) || err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func encode(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
