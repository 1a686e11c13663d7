package okverkehr

// Read reads an answer as Halter does.
func Read(raw []byte) (Auskunft, error) {
	var a Auskunft
	err := a.read(raw)
	return a, err
}
