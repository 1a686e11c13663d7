package eakte

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// refusal is DmsErrorResponse. Its text is never read: it may name what was filed.
type refusal struct {
	Quelle string `json:"fehlerQuelle"` // INTERN: the EAI itself; DMS: Fabasoft behind it
	Status int    `json:"status"`
}

// judge makes more of an error where the EAI says whose it is. 400 of the EAI itself is
// the call's fault. What the DMS refuses may pass (it is away, an object is locked),
// unless it says by its own status that the call is wrong. What is not in the form of
// the EAI is somebody's in between, and refuses nothing for good.
func judge(raw []byte, err error) error {
	failed, ok := errors.AsType[*eai.Error](err)
	var r refusal
	if !ok || failed.Status != http.StatusBadRequest || json.Unmarshal(raw, &r) != nil || r.Quelle != "INTERN" && r.Quelle != "DMS" {
		return eai.Foreign(err)
	}
	e := *failed
	e.Code = map[string]string{"INTERN": "abgelehnt-eai", "DMS": "abgelehnt-dms"}[r.Quelle]
	e.Blocking = r.Quelle == "DMS" && (r.Status < 400 || r.Status >= 500)
	e.Err = fmt.Errorf("fehlerQuelle %s, status %d", r.Quelle, r.Status)
	if r.Quelle == "DMS" && r.Status == http.StatusNotFound {
		e.Err = errGone
	}
	return &e
}

var errGone = errors.New("fehlerQuelle DMS, status 404")
