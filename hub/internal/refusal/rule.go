package refusal

// RuleSentence tells a person which rule of the event schema is broken, by its
// keyword in JSON Schema, in German ("de") or English (anything else).
func RuleSentence(keyword, lang string) string {
	s, ok := rules[keyword]
	if !ok {
		s = [2]string{"Der Wert verletzt das Ereignisschema.", "The value breaks the event schema."}
	}
	if lang == "de" {
		return s[0]
	}
	return s[1]
}

var rules = map[string][2]string{
	"type":                 {"Der Wert hat nicht den verlangten Datentyp.", "The value is not of the type that is asked for."},
	"required":             {"Ein Pflichtfeld fehlt.", "A required field is missing."},
	"additionalProperties": {"Hier steht ein Feld, das es im Ereignisschema nicht gibt.", "There is a field here that the event schema does not have."},
	"enum":                 {"Der Wert ist keiner der erlaubten.", "The value is none of those allowed."},
	"const":                {"Der Wert ist nicht der eine erlaubte.", "The value is not the one allowed."},
	"pattern":              {"Der Text hat nicht die verlangte Form.", "The text does not have the form that is asked for."},
	"format":               {"Der Text hat nicht das verlangte Format.", "The text does not have the format that is asked for."},
	"minLength":            {"Der Text ist zu kurz.", "The text is too short."},
	"maxLength":            {"Der Text ist zu lang.", "The text is too long."},
	"minimum":              {"Die Zahl ist zu klein.", "The number is too small."},
	"exclusiveMinimum":     {"Die Zahl ist zu klein.", "The number is too small."},
	"maximum":              {"Die Zahl ist zu groß.", "The number is too large."},
	"exclusiveMaximum":     {"Die Zahl ist zu groß.", "The number is too large."},
	"multipleOf":           {"Die Zahl ist kein Vielfaches der verlangten Schrittweite.", "The number is no multiple of the step that is asked for."},
	"minItems":             {"Die Liste hat zu wenige Einträge.", "The list has too few items."},
	"maxItems":             {"Die Liste hat zu viele Einträge.", "The list has too many items."},
	"uniqueItems":          {"Ein Eintrag der Liste kommt doppelt vor.", "An item of the list occurs twice."},
	"oneOf":                {"Der Wert passt zu keiner der erlaubten Formen, oder zu mehreren.", "The value fits none of the forms allowed, or several."},
	"anyOf":                {"Der Wert passt zu keiner der erlaubten Formen.", "The value fits none of the forms allowed."},
}
