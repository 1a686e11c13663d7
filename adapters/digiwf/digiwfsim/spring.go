package digiwfsim

import (
	"encoding/json"

	"github.com/twmb/franz-go/pkg/kgo"
)

// springStrings are the headers that a Spring application sees as Strings: those that
// the last spring_json_header_types names so, each with its last value. All others
// stay byte[], and the routing expression headers['type'] fails on them
// (DefaultKafkaHeaderMapper, BinderHeaderMapper).
func springStrings(headers []kgo.RecordHeader, typesHeader string) map[string]string {
	var types map[string]string
	for _, h := range headers {
		if h.Key == typesHeader {
			types = nil
			_ = json.Unmarshal(h.Value, &types) // Spring logs it and goes on without
		}
	}
	out := map[string]string{}
	for _, h := range headers {
		if types[h.Key] != "java.lang.String" {
			continue
		}
		if len(h.Value) > 0 && h.Value[0] == '"' {
			var s string
			if json.Unmarshal(h.Value, &s) != nil {
				continue
			}
			out[h.Key] = s
			continue
		}
		out[h.Key] = string(h.Value)
	}
	return out
}
