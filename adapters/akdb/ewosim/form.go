package ewosim

import "strconv"

// whole is a PersonErweitert.
func whole(p map[string]any) map[string]any { return p }

// plain is a Person: the one current address in place of the dwellings, without
// what only PersonErweitert has.
func plain(p map[string]any) map[string]any {
	out := map[string]any{}
	for _, key := range []string{
		"auskunftssperre", "ordnungsmerkmal", "personstatus", "geburtsdaten", "geschlecht", "sterbedaten",
		"familienstanddaten", "namen", "melderegisterAnschrift", "waffenbesitzVerbot", "staatsangehoerigkeiten",
	} {
		if value, there := p[key]; there {
			out[key] = value
		}
	}
	dwellings, _ := p["wohnungen"].([]any)
	for _, d := range dwellings {
		if at(d, "_type") == "AktuelleWohnungType" && at(d, "nutzungszustand") != "NEBENWOHNUNG" {
			out["melderegisterAnschrift"] = at(d, "melderegisterAnschrift")
		}
	}
	return out
}

// recordedForm rewrites a value as EWOSucheResponse.json has it.
func recordedForm(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			if name, ok := value.(string); key == "_type" && ok {
				out["@type"], out["_xsi:type"] = "ns2:"+name, "ns2:"+name
				out["_xmlns:xsi"] = "http://www.w3.org/2001/XMLSchema-instance"
				continue
			}
			out[key] = recordedForm(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = recordedForm(value)
		}
		return out
	case bool:
		return strconv.FormatBool(v)
	}
	return v
}
