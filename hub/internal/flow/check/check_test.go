package check

import (
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/refusal"
	"github.com/amtsbote/amtsbote/schemas"
)

// What is no fault of the sender is not called one.
func TestFaultOfTheCheckIsOurs(t *testing.T) {
	for keyword, want := range map[string]refusal.Code{
		schemas.KeywordInternal: refusal.Internal, schemas.KeywordBudget: refusal.WorkLimit, "type": refusal.SchemaInvalid,
	} {
		if got := invalid(schemas.Violation{Keyword: keyword}); got.Code != want {
			t.Errorf("%s: %v", keyword, got)
		}
	}
}
