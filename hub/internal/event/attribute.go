package event

// Attribute is a context attribute, its value in canonical string form (CloudEvents
// 1.0.2, section 3.2).
type Attribute struct{ Name, Value string }

// Attributes are those of one event, each once, in the order in which they came; headers
// come in none, and are ordered by name. There are about a dozen, and the gate lets no more
// than a few hundred pass: one after the other is looked at, which takes less than a map.
type Attributes []Attribute

// Get gives the value of an attribute and tells whether it is set.
func (a Attributes) Get(name string) (value string, set bool) {
	for i := range a {
		if a[i].Name == name {
			return a[i].Value, true
		}
	}
	return "", false
}

// Value is that of an attribute; "" when it is unset.
func (a Attributes) Value(name string) string {
	value, _ := a.Get(name)
	return value
}
