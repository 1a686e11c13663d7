package demo

import (
	"encoding/json"
	"os"
	"sort"
	"strings"
)

// Fields lists the payload fields in a CloudEvents JSON file, two levels deep,
// for the summary; "" for other files.
func Fields(path string) string {
	raw, err := os.ReadFile(path) //nolint:gosec // a file that the hub wrote
	if err != nil || !strings.HasSuffix(path, ".json") {
		return ""
	}
	var e struct {
		Data map[string]any `json:"data"`
	}
	if json.Unmarshal(raw, &e) != nil {
		return ""
	}
	var names []string
	for name, v := range e.Data {
		inner, ok := v.(map[string]any)
		if !ok {
			names = append(names, "/"+name)
			continue
		}
		for sub := range inner {
			names = append(names, "/"+name+"/"+sub)
		}
	}
	sort.Strings(names)
	return "\n      " + strings.Join(names, " ")
}
