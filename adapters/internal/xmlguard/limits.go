package xmlguard

// Limits bound what one document may cost. Zero in a field means its default.
type Limits struct {
	Bytes      int64 // size of the document
	Depth      int   // nesting; the root has depth 1
	Tokens     int   // tags, texts and comments
	Attributes int   // of one element, namespace declarations included
	Kept       int   // elements that Read keeps in memory
}

// Defaults suit a XÖV message: 40 MiB is what XTA carries in one container.
func Defaults() Limits {
	return Limits{Bytes: 40 << 20, Depth: 64, Tokens: 4_000_000, Attributes: 256, Kept: 100_000}
}

func (l Limits) orDefaults() Limits {
	d := Defaults()
	if l.Bytes == 0 {
		l.Bytes = d.Bytes
	}
	if l.Depth == 0 {
		l.Depth = d.Depth
	}
	if l.Tokens == 0 {
		l.Tokens = d.Tokens
	}
	if l.Attributes == 0 {
		l.Attributes = d.Attributes
	}
	if l.Kept == 0 {
		l.Kept = d.Kept
	}
	return l
}
