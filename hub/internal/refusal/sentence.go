package refusal

// Sentence tells a person what is wrong and whose move it is, in German
// ("de") or English (anything else).
func (c Code) Sentence(lang string) string {
	s, ok := sentences[c]
	if !ok {
		s, ok = outside[c]
	}
	if !ok {
		s, ok = door[c]
	}
	if !ok {
		return string(c)
	}
	if lang == "de" {
		return s[0]
	}
	return s[1]
}

var sentences = map[Code][2]string{
	Forged:            {"Das Subject passt nicht zum Eingang. Der Absender muss unter seinem eigenen Namen senden.", "The subject does not fit the in stream. The sender must publish under its own name."},
	AppUnknown:        {"Das Fachverfahren steht nicht im Verbundverzeichnis. Der Datensteward muss es eintragen oder der Absender den Namen berichtigen.", "The application is not in the federation directory. A steward must add it, or the sender correct the name."},
	TooLarge:          {"Das Ereignis ist zu groß. Der Absender muss große Inhalte als dataref senden.", "The event is too large. The sender must send large content as dataref."},
	ModeMismatch:      {"Die Nachricht ist kein einzelnes CloudEvent. Der Absender muss Content-Type, ce-Köpfe und Inhalt in Einklang bringen.", "The message is no single CloudEvent. The sender must bring content type, ce- headers and body in line."},
	ModeAmbiguous:     {"Die ce-Köpfe sagen anderes als das Ereignis. Der Absender muss sie weglassen oder angleichen.", "The ce- headers say other than the event. The sender must leave them out, or make them the same."},
	UTF8Invalid:       {"Der Text ist kein gültiges UTF-8. Der Absender muss die Kodierung berichtigen.", "The text is not valid UTF-8. The sender must correct the encoding."},
	JSONSyntax:        {"Der Inhalt ist kein gültiges JSON. Der Absender muss ihn berichtigen.", "The content is not valid JSON. The sender must correct it."},
	JSONTrailing:      {"Nach dem JSON-Wert folgt weiterer Text. Der Absender muss ihn entfernen.", "There is text after the JSON value. The sender must remove it."},
	JSONDepth:         {"Das JSON ist zu tief verschachtelt (mehr als 64 Ebenen).", "The JSON is nested too deep (more than 64 levels)."},
	DuplicateKey:      {"Ein Name kommt doppelt vor. Der Absender muss das Ereignis eindeutig machen.", "A name occurs twice. The sender must make the event unambiguous."},
	DuplicateHeader:   {"Ein Kopf kommt doppelt vor. Der Absender muss ihn einmal senden.", "A header occurs twice. The sender must send it once."},
	NumberLimit:       {"Eine Zahl ist zu lang oder hat einen zu großen Exponenten.", "A number is too long or has too large an exponent."},
	CERequired:        {"Ein Pflichtattribut fehlt, oder ein Attribut ist leer, das es nicht sein darf.", "A required attribute is missing, or an attribute is empty that must not be."},
	CESpecVersion:     {"specversion muss 1.0 sein.", "specversion must be 1.0."},
	CEType:            {"Ein Attribut hat einen Datentyp, den CloudEvents nicht kennt.", "An attribute has a data type that CloudEvents does not know."},
	CEAttrName:        {"Ein Attributname ist nicht erlaubt (nur a-z und 0-9, höchstens 32 Zeichen).", "An attribute name is not allowed (only a-z and 0-9, at most 32 characters)."},
	CEIntRange:        {"Eine ganze Zahl passt nicht in 32 Bit.", "An integer does not fit into 32 bits."},
	CELimit:           {"Zu viele oder zu lange Attribute.", "Too many attributes, or too long ones."},
	CEControlChar:     {"Ein Attribut enthält Steuerzeichen.", "An attribute contains control characters."},
	CENonchar:         {"Ein Attribut enthält ein Zeichen, das Unicode ausschließt.", "An attribute contains a Unicode noncharacter."},
	CESurrogate:       {"Ein Text enthält ein halbes Ersatzzeichenpaar.", "A text contains a lone surrogate."},
	CEHeader:          {"Ein Kopfwert ist falsch kodiert (Prozentkodierung, Anführungszeichen).", "A header value is wrongly encoded (percent-encoding, quotes)."},
	CEURI:             {"source oder dataschema ist keine gültige URI.", "source or dataschema is no valid URI."},
	CETime:            {"time ist kein Zeitpunkt nach RFC 3339.", "time is no RFC 3339 timestamp."},
	CEMediaType:       {"datacontenttype ist kein gültiger Medientyp.", "datacontenttype is no valid media type."},
	CEBase64:          {"data_base64 ist kein gültiges Base64.", "data_base64 is no valid base64."},
	DataTwice:         {"data und data_base64 stehen beide im Ereignis.", "data and data_base64 are both in the event."},
	SubjectMismatch:   {"Das NATS-Subject nennt einen anderen Ereignistyp als das Ereignis.", "The NATS subject names another event type than the event."},
	SourceNotAllowed:  {"Das Fachverfahren darf unter dieser source nicht senden.", "The application may not send under this source."},
	Conflict:          {"Dieselbe source und id gab es schon mit anderem Inhalt. Der Absender muss eine neue id vergeben.", "The same source and id came before with other content. The sender must use a new id."},
	TimeImplausible:   {"time liegt mehr als 24 Stunden in der Zukunft.", "time is more than 24 hours ahead."},
	TypeUnknown:       {"Für diesen Ereignistyp gibt es kein Ereignisschema. Der Datensteward muss es aufnehmen.", "There is no event schema for this type. A steward must add it."},
	SchemaUnknown:     {"dataschema ist nicht das Ereignisschema dieses Typs.", "dataschema is not the event schema of this type."},
	MediaTypeMismatch: {"Der Inhalt ist nicht, was datacontenttype sagt.", "The payload is not what datacontenttype says."},
	SchemaInvalid:     {"Der Inhalt verletzt sein Ereignisschema. Der Absender muss ihn berichtigen.", "The payload breaks its event schema. The sender must correct it."},
	WorkLimit:         {"Den Inhalt an seinem Ereignisschema zu prüfen, würde zu lange dauern. Der Absender muss ihn auf mehrere Ereignisse verteilen oder als dataref senden; sonst muss der Datensteward das Ereignisschema vereinfachen.", "To hold the payload to its event schema would take too long. The sender must spread it over several events or send it as dataref; otherwise a steward must simplify the event schema."},
	NoAgreement:       {"Keine geltende Übermittlungsregel lässt das Ereignis zu einem Empfänger.", "No agreement in force lets any receiver have the event."},
	AddressUnknown:    {"Eine Übermittlungsregel gilt, aber ihre Adresse nennt kein Mitglied der Gruppe. Der Absender muss die Adresse berichtigen oder der Datensteward das Mitglied aufnehmen.", "An agreement applies, but its address names no member of the group. The sender must correct the address, or a steward add the member."},
	Internal:          {"Ein Fehler im Amtsboten. Bitte melden.", "A fault of the hub. Please report it."},
	ReceiverRefused:   {"Der Empfänger kann das Ereignis nicht annehmen.", "The receiver can never take the event."},
	SchemaGone:        {"Das Ereignisschema steht nicht mehr im Verbundverzeichnis. Der Datensteward muss es wieder aufnehmen und den Schlüssel freigeben.", "The event schema is no longer in the federation directory. A steward must put it back and release the key."},
	NotCarriedOut:     {"Die Kopien für die Empfänger lassen sich nicht herstellen. Der Datensteward muss die Übermittlungsregel oder das Ereignisschema richten und den Schlüssel freigeben, sonst bitte melden.", "The copies for the receivers cannot be made. A steward must mend the agreement or the event schema and release the key; otherwise please report it."},
	Behind:            {"Ein früheres Ereignis desselben Schlüssels ist geparkt; dieses wartet dahinter. Der Datensteward muss den Schlüssel freigeben oder zurückgeben.", "An earlier event of the same key is parked; this one waits behind it. A steward must release or return the key."},
	Returned:          {"Ein Datensteward hat das Ereignis an den Absender zurückgegeben. Der Absender muss es berichtigen und erneut senden.", "A steward has given the event back to its sender. The sender must correct it and send it again."},
	Discarded:         {"Ein Datensteward hat das Ereignis verworfen. Niemand muss noch etwas tun.", "A steward has discarded the event. It is nobody's move any more."},
}
