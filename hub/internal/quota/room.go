package quota

// Room tells whether a mailbox has room for something of a size that may wait: what
// comes live has the other half of its quota for itself. An empty one has, so that the
// largest copy goes through the smallest mailbox. One that is not counted yet has none.
func (b *Book) Room(application string, size int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.box(application)
	return x.counted && (x.bytes == 0 || x.bytes+size <= b.limit(application)/2)
}
