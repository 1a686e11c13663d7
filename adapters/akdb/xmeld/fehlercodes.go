package xmeld

// fehlercodes are the codes of urn:de:xinneres:codeliste:fehlercodes in short
// words.
var fehlercodes = map[string]string{
	"X000": "Kein wohlgeformtes XML",
	"X001": "Nicht schemakonform",
	"V000": "Die Version der Nachricht wird nicht unterstützt",
	"S001": "Nicht in UTF-8 codiert",
	"S010": "Ungültige Schlüsseltabelle",
	"S011": "Ungültiger Schlüssel",
	"S020": "Fehlerhafte Einzelfälle",
	"S030": "Ein Pflichtfeld ist leer",
	"S100": "Bereits verarbeitet",
	"S999": "Aus anderen Gründen nicht spezifikationskonform",
	"T000": "Das Zertifikat des Absenders ist abgelaufen",
	"T001": "Das Zertifikat des Absenders ist widerrufen",
	"T002": "Das Zertifikat des Absenders ist ungültig",
	"T003": "Das Zertifikat des Absenders fehlt",
	"T010": "Die Signatur der Inhaltsdaten fehlt oder genügt nicht",
	"T011": "Die Signatur der Inhaltsdaten ist ungültig",
	"T020": "Die Inhaltsdaten sind nicht zu entschlüsseln",
	"T070": "Der Absender darf diesen Dienst nicht nutzen",
	"T080": "Falscher Leser (Irrläufer)",
	"T099": "Sonstiger Verstoß gegen das OSCI-Profil",
}
