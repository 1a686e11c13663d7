package fit

import "github.com/go-json-experiment/json"

// strictJSON refuses double names, bad UTF-8 and what follows the value; unknown
// names pass. Names are compared with their case.
func strictJSON(raw []byte, into any) error { return json.Unmarshal(raw, into) }
