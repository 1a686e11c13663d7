package httpapi

import (
	"net/http"

	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// statuses of the codes that are not a 400. 422: it is a CloudEvent of its sender, and
// may not pass as it is; it is kept in quarantine. All others are kept nowhere.
var statuses = map[refusal.Code]int{
	refusal.NumberLimit:       http.StatusUnprocessableEntity,
	refusal.TimeImplausible:   http.StatusUnprocessableEntity,
	refusal.TypeUnknown:       http.StatusUnprocessableEntity,
	refusal.SchemaUnknown:     http.StatusUnprocessableEntity,
	refusal.MediaTypeMismatch: http.StatusUnprocessableEntity,
	refusal.SchemaInvalid:     http.StatusUnprocessableEntity,
	refusal.WorkLimit:         http.StatusUnprocessableEntity,
	refusal.NoAgreement:       http.StatusUnprocessableEntity,
	refusal.AddressUnknown:    http.StatusUnprocessableEntity,
	refusal.Returned:          http.StatusUnprocessableEntity,
	refusal.Discarded:         http.StatusUnprocessableEntity,

	refusal.SourceNotAllowed: http.StatusForbidden,
	refusal.Conflict:         http.StatusConflict,
	refusal.TooLarge:         http.StatusRequestEntityTooLarge,
	refusal.BatchLimit:       http.StatusRequestEntityTooLarge,
	refusal.MediaType:        http.StatusUnsupportedMediaType,
	refusal.Timeout:          http.StatusRequestTimeout,
	refusal.Internal:         http.StatusInternalServerError,
}

// statusOf is the HTTP status with which a code is answered.
func statusOf(code refusal.Code) int {
	if s, ok := statuses[code]; ok {
		return s
	}
	return http.StatusBadRequest
}
