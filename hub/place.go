package hub

// Placed is a Source or Sink that can tell people where it works: what is
// printed at start, and where to look for what never became an event.
type Placed interface {
	Places() Places
}

// Places of an adapter; empty where it has none. Folders are absolute paths,
// addresses hold no secrets.
type Places struct {
	// In is what the source reads, Out what the sink writes.
	In, Out string
	// SetAside is the folder with inputs that could not become events, each with
	// a report <name>.fehler.json beside it.
	SetAside string
}
