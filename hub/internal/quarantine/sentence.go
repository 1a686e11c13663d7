package quarantine

// Sentence says in German ("de") or English why nothing was done.
func (w Why) Sentence(lang string) string {
	s := sentences[w]
	if lang == "de" {
		return s[0]
	}
	return s[1]
}

var sentences = map[Why][2]string{
	Gone:        {"Jemand hat das Ereignis schon erledigt.", "Somebody has dealt with the event already."},
	Taken:       {"Jemand bearbeitet das gerade.", "Somebody is dealing with it right now."},
	Starting:    {"Der Amtsbote liest noch, oder die Organisation steht nicht im Verbundverzeichnis. Bitte gleich noch einmal versuchen.", "The hub is still reading, or the organisation is not in the federation directory. Please try again in a moment."},
	Superseded:  {"Der Absender hat inzwischen ein anderes Ereignis an seiner Stelle gesendet. Dieses kann verworfen werden.", "The sender has sent another event in its place meanwhile. This one can be discarded."},
	TooOld:      {"Das Ereignis liegt hier zu lange: ob der Absender inzwischen ein anderes an seiner Stelle gesendet hat, ist nicht mehr bekannt. Es lässt sich nur verwerfen; der Absender kann es mit neuer id senden.", "The event has rested here for too long: whether its sender has sent another one in its place is not known any more. It can only be discarded; its sender can send it with a new id."},
	Unchanged:   {"Es ist nichts geändert. Unverändert lässt es sich auf der Seite des Ereignisses erneut einreichen.", "Nothing was changed. It can be sent again as it is on the event's page."},
	Identity:    {"source und id müssen bleiben, damit das bearbeitete Ereignis das abgewiesene ersetzt.", "source and id must stay, so that the edited event supersedes the refused one."},
	StillWrong:  {"Nicht eingereicht: das Ereignis käme wieder hierher.", "Not sent: the event would come back here."},
	TooLarge:    {"Das Ereignis ist zu groß, um es erneut einzureichen.", "The event is too large to be sent again."},
	OnlyDiscard: {"Eine abgelehnte Kopie lässt sich nur verwerfen.", "A refused copy can only be discarded."},
	Personal:    {"Im Grund steht etwas, das eine Person benennt (E-Mail-Adresse, Steuer-ID, IBAN). Bitte ohne.", "The reason names a person (e-mail address, tax id, IBAN). Please leave that out."},
}
