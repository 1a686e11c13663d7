package console

import (
	"strings"

	"github.com/amtsbote/amtsbote/schemas"
)

func fieldsOf(s *schemas.Schema) map[string]schemas.Field {
	out := map[string]schemas.Field{}
	if s == nil {
		return out
	}
	open := map[string]bool{} // holds something that is no Sperre
	for _, f := range s.Fields() {
		out[f.Pointer] = f
		if f.Leaf && f.Sperre == "" {
			for at := f.Pointer; at != ""; at = at[:strings.LastIndex(at, "/")] {
				open[at] = true
			}
		}
	}
	for at, f := range out { // what holds Sperren alone says as much as they do
		if f.Sperre == "" && !open[at] && !f.Leaf {
			f.Sperre = "inside"
			out[at] = f
		}
	}
	return out
}
