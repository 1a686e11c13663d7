package open311sim

import (
	"strings"
	"time"
)

// Report is a request as the server has it. Status is open or closed, Detail the
// dialect's own word.
type Report struct {
	ID          string    `json:"service_request_id"`
	Service     string    `json:"service_code"`
	Status      string    `json:"status"`
	Notes       string    `json:"status_notes"`
	Detail      string    `json:"detail"`
	Description string    `json:"description"`
	Agency      string    `json:"agency_responsible"`
	Address     string    `json:"address"`
	Zip         string    `json:"zipcode"`
	Lat         string    `json:"lat"`
	Long        string    `json:"long"`
	MediaURL    string    `json:"media_url"`
	Requested   time.Time `json:"requested_datetime"`
	Updated     time.Time `json:"updated_datetime"`
	Expected    time.Time `json:"expected_datetime,omitzero"`

	// Who reported: shown only where Settings.Contact says so.
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Phone     string `json:"phone"`

	// Hidden is a report that is not published, as before an editor has looked.
	Hidden bool `json:"hidden"`

	token string
	seen  int // questions for the token
}

// Update is a change that FixMyStreet tells apart from the request.
type Update struct {
	ID          string    `json:"update_id"`
	Request     string    `json:"service_request_id"`
	Status      string    `json:"status"`
	Description string    `json:"description"`
	At          time.Time `json:"updated_datetime"`
}

// fields are those of an answer, in the order of the specification.
func (s *Server) fields(r *Report) [][2]string {
	out := [][2]string{
		{"service_request_id", r.ID},
		{"status", r.Status},
		{"status_notes", r.Notes},
		{"service_name", s.names[r.Service]},
		{"service_code", r.Service},
		{"description", r.Description},
		{"agency_responsible", r.Agency},
		{"service_notice", ""},
		{"requested_datetime", stamp(r.Requested)},
		{"updated_datetime", stamp(r.Updated)},
		{"expected_datetime", stamp(r.Expected)},
		{"address", r.Address},
		{"zipcode", r.Zip},
		{"lat", r.Lat},
		{"long", r.Long},
		{"media_url", r.MediaURL},
	}
	if s.set.Dialect == "klarschiff" {
		out[1][1] = strings.ToUpper(r.Status)
	}
	if s.set.Contact {
		out = append(out, [2]string{"email", r.Email}, [2]string{"first_name", r.FirstName}, [2]string{"last_name", r.LastName}, [2]string{"phone", r.Phone})
	}
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
