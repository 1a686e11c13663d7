package refusal

import "github.com/amtsbote/amtsbote/schemas"

// Codes given outside the way of an event: by what reads XML in adapters, by the
// admission of schemas, for the names of organisations. There the code comes with
// its place and details; the sentences are for whoever meets it alone, in a log
// or a report.
const (
	XMLSyntax    Code = "XML_SYNTAX"
	XMLDTD       Code = "XML_DTD"
	XMLPI        Code = "XML_PI"
	XMLDepth     Code = "XML_DEPTH"
	XMLNamespace Code = "XML_NAMESPACE"
	XMLXInclude  Code = "XML_XINCLUDE"
	XMLEncoding  Code = "XML_ENCODING"
	XMLLimit     Code = "XML_LIMIT"
	OrgID        Code = "ORG_ID"
	WebhookURL   Code = "WEBHOOK_URL"
)

var outside = map[Code][2]string{
	XMLSyntax:    {"Das XML-Dokument ist nicht wohlgeformt oder hat nicht genau ein Wurzelelement. Der Absender muss es berichtigen.", "The XML document is not well-formed, or has not exactly one root element. The sender must correct it."},
	XMLDTD:       {"Das XML-Dokument hat eine Dokumenttypdeklaration (DOCTYPE). Der Absender muss sie weglassen.", "The XML document has a document type declaration (DOCTYPE). The sender must leave it out."},
	XMLPI:        {"Das XML-Dokument hat eine Verarbeitungsanweisung. Der Absender muss sie weglassen.", "The XML document has a processing instruction. The sender must leave it out."},
	XMLDepth:     {"Das XML-Dokument ist zu tief verschachtelt. Der Absender muss es flacher aufbauen.", "The XML document is nested too deeply. The sender must make it flatter."},
	XMLNamespace: {"Ein Namensraum-Präfix des XML-Dokuments ist nicht oder falsch deklariert. Der Absender muss es berichtigen.", "A namespace prefix of the XML document is not declared, or wrongly. The sender must correct it."},
	XMLXInclude:  {"Das XML-Dokument will ein anderes Dokument einbinden (XInclude). Der Absender muss den Inhalt selbst aufnehmen.", "The XML document wants another document included (XInclude). The sender must put the content in itself."},
	XMLEncoding:  {"Das XML-Dokument ist nicht in UTF-8 oder enthält ein Zeichen, das XML nicht erlaubt. Der Absender muss es umwandeln.", "The XML document is not in UTF-8, or has a character that XML does not allow. The sender must convert it."},
	XMLLimit:     {"Das XML-Dokument ist zu groß oder hat zu viele Teile. Der Absender muss es aufteilen.", "The XML document is too large or has too many parts. The sender must split it."},
	OrgID:        {"Der Name der Organisation ist nicht erlaubt (a-z, 0-9, einzelne Bindestriche dazwischen). Der Datensteward muss einen anderen wählen.", "The name of the organisation is not allowed (a-z, 0-9, single hyphens between). A steward must choose another one."},

	WebhookURL: {"An diese Adresse sendet der Amtsbote keine Ereignisse (VB-WHK-002). Die Organisation muss eine öffentliche https-Adresse nennen oder die Ausnahme ins Verzeichnis aufnehmen lassen.", "The hub sends no events to this address (VB-WHK-002). The organisation must name a public https address, or have the exception put into the directory."},

	schemas.CodeLayout:  {"In einem Schema-Ordner liegt etwas, das dort nicht hingehört oder nicht lesbar ist.", "Something in a schema folder does not belong there or cannot be read."},
	schemas.CodeJSON:    {"Das Ereignisschema ist kein strenges JSON.", "The event schema is not strict JSON."},
	schemas.CodeMeta:    {"Das Ereignisschema ist kein gültiges JSON-Schema 2020-12.", "The event schema is no valid JSON Schema 2020-12."},
	schemas.CodeKeyword: {"Das Ereignisschema benutzt ein Schlüsselwort, das es hier nicht gibt.", "The event schema uses a keyword that does not exist here."},
	schemas.CodeOpen:    {"Das Ereignisschema lässt Felder zu, die es nicht nennt (additionalProperties: false fehlt).", "The event schema lets fields pass that it does not name (additionalProperties: false is missing)."},
	schemas.CodeMark:    {"Im Ereignisschema fehlt eine x-Kennzeichnung oder sie ist falsch.", "An x- mark of the event schema is missing or wrong."},
	schemas.CodeCost:    {"Das Ereignisschema ist mit aufgelösten Verweisen zu groß.", "The event schema is too large once its references are resolved."},
	schemas.CodeTaken:   {"Das Ereignisschema dieses Typs steht schon an anderer Stelle.", "The event schema of this type is elsewhere already."},
	schemas.CodeExample: {"Die Beispiele des Ereignisschemas fehlen oder zeigen nicht, was sie sollen.", "The examples of the event schema are missing, or do not show what they should."},
	schemas.CodeRefBan:  {"Ein Verweis des Ereignisschemas führt aus dem Verbundverzeichnis hinaus. Es wird nie etwas nachgeladen.", "A reference of the event schema leads out of the federation directory. Nothing is ever fetched."},
	schemas.CodeRefGone: {"Ein Verweis des Ereignisschemas führt ins Leere.", "A reference of the event schema leads nowhere."},
	schemas.CodeRefLoop: {"Ein Verweis des Ereignisschemas führt zu sich selbst.", "A reference of the event schema leads to itself."},
	schemas.CodeRegex:   {"Ein Muster des Ereignisschemas versteht RE2 nicht (kein Vor- und Rückwärtsblick, keine Rückverweise).", "RE2 does not understand a pattern of the event schema (no look-around, no back references)."},
}
