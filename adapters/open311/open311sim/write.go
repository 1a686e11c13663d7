package open311sim

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
)

// item is one entry of an answer, its fields in order.
type item [][2]string

// answer writes a list: in XML below root and name, in JSON as an array, or as
// FixMyStreet and, where wrapped, Mark-a-Spot make it of their XML.
func (s *Server) answer(w http.ResponseWriter, status int, format, root, name string, items []item, wrapped bool) {
	if format == "xml" {
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write(listXML(root, name, items))
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	list := make([]map[string]any, 0, len(items))
	for _, i := range items {
		list = append(list, s.object(i))
	}
	_ = json.NewEncoder(w).Encode(s.shaped(root, name, list, wrapped))
}

func (s *Server) shaped(root, name string, list []map[string]any, wrapped bool) any {
	switch {
	case s.set.Dialect == "fixmystreet":
		return map[string]any{strings.TrimPrefix(root, "service_"): []any{map[string]any{name: list}}}
	case s.set.Dialect == "mark-a-spot" && wrapped && len(list) == 1:
		return map[string]any{root: map[string]any{name: list[0]}}
	}
	return list
}

// object is an entry in JSON: null where there is nothing, numbers where the
// specification's examples have them.
func (s *Server) object(i item) map[string]any {
	out := map[string]any{}
	for _, f := range i {
		switch {
		case f[1] == "":
			out[f[0]] = nil
		case strings.Contains(f[0], "."):
			outer, inner, _ := strings.Cut(f[0], ".")
			out[outer] = map[string]any{inner: f[1]}
		case f[0] == "agency_responsible" && s.set.Dialect == "fixmystreet":
			out[f[0]] = map[string]any{"recipient": []string{f[1]}}
		case f[0] == "lat" || f[0] == "long" || f[0] == "service_request_id" && s.set.Dialect == "georeport":
			out[f[0]] = json.RawMessage(f[1])
			if !json.Valid([]byte(f[1])) {
				out[f[0]] = f[1]
			}
		default:
			out[f[0]] = f[1]
		}
	}
	return out
}

func listXML(root, name string, items []item) []byte {
	var b strings.Builder
	b.WriteString(xml.Header + "<" + root + ">")
	for _, i := range items {
		b.WriteString("<" + name + ">")
		for _, f := range i {
			outer, inner, nested := strings.Cut(f[0], ".")
			b.WriteString("<" + outer + ">")
			if nested {
				b.WriteString("<" + inner + ">")
			}
			_ = xml.EscapeText(&b, []byte(f[1]))
			if nested {
				b.WriteString("</" + inner + ">")
			}
			b.WriteString("</" + outer + ">")
		}
		b.WriteString("</" + name + ">")
	}
	b.WriteString("</" + root + ">\n")
	return []byte(b.String())
}
