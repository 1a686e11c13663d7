package who

import "encoding/json"

// MarshalJSON gives the answer for programs.
func (a *Answer) MarshalJSON() ([]byte, error) {
	type receiver struct {
		Application string   `json:"application"`
		Authority   string   `json:"authority"`
		Agreement   string   `json:"agreement"`
		Law         string   `json:"law"`
		Purpose     string   `json:"purpose"`
		DataSchema  string   `json:"dataschema"`
		Fields      []string `json:"fields"`
		Cut         []string `json:"cut,omitempty"`
	}
	type other struct {
		Application string `json:"application"`
		Agreement   string `json:"agreement,omitempty"`
		Verdict     string `json:"verdict"`
		De          string `json:"de"`
		En          string `json:"en"`
	}
	type refused struct {
		Code    string `json:"code"`
		At      string `json:"at,omitempty"`
		Keyword string `json:"keyword,omitempty"`
		De      string `json:"de"`
		En      string `json:"en"`
	}
	out := struct {
		Source    string     `json:"source"`
		ID        string     `json:"id"`
		Type      string     `json:"type"`
		Sender    string     `json:"sender,omitempty"`
		Authority string     `json:"authority,omitempty"`
		Refused   *refused   `json:"refused,omitempty"`
		Blocks    []string   `json:"blocks,omitempty"`
		Receivers []receiver `json:"receivers"`
		Others    []other    `json:"others"`
	}{Source: a.Source, ID: a.ID, Type: a.Type, Authority: a.Authority, Blocks: a.Blocks, Receivers: []receiver{}, Others: []other{}}
	if a.Sender != nil {
		out.Sender = a.Sender.ID
	}
	if a.Refusal != nil {
		r := a.Refusal
		out.Refused = &refused{string(r.Code), r.At, r.Keyword, r.Code.Sentence("de"), r.Code.Sentence("en")}
	}
	for _, r := range a.Receivers {
		g := r.Clause.Agreement
		out.Receivers = append(out.Receivers, receiver{r.Application.ID, r.Authority, g.ID, g.Law.Key, g.Purpose, r.Clause.DataSchema, r.Fields, r.Cut})
	}
	for _, o := range a.Others {
		id, reason := "", o.Reason()
		if o.Clause != nil {
			id = o.Clause.Agreement.ID
		}
		out.Others = append(out.Others, other{o.Application.ID, id, string(o.Verdict), reason.De, reason.En})
	}
	return json.Marshal(out)
}
