package disclose

import "strings"

// keep tells what remains of a value: all of it, or the members named.
type keep struct {
	all   bool
	names map[string]*keep
}

func keepOf(pointers []string) *keep {
	root := &keep{names: map[string]*keep{}}
	for _, p := range pointers {
		k := root
		for _, t := range strings.Split(p, "/")[1:] {
			name := strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
			if k.names[name] == nil {
				k.names[name] = &keep{names: map[string]*keep{}}
			}
			k = k.names[name]
		}
		k.all = true
	}
	return root
}

// whole tells whether the member called name remains entirely.
func (k *keep) whole(name string) bool { return k.names[name] != nil && k.names[name].all }
