package xtasim

import (
	"slices"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
)

// Effect is a disturbance that can be ordered.
type Effect string

// The effects. Besides them, the four digits of a fault code are one.
const (
	// Timeout reads the request and never answers.
	Timeout Effect = "timeout"
	// Drop ends the connection before anything is done.
	Drop Effect = "drop"
	// Lost does what was asked and loses the answer.
	Lost Effect = "lost"
	// Forget answers as if it had been done, and does nothing: a close after
	// which the message comes again.
	Forget Effect = "forget"
	// Unavailable answers with HTTP status 503 and no fault.
	Unavailable Effect = "503"
	// Garbage answers with something that is no envelope.
	Garbage Effect = "garbage"
	// Duplicate, on close: the same message comes again under a new MessageID.
	Duplicate Effect = "duplicate"
	// OtherBytes, on close: a message with the same nachrichtenUUID and other
	// bytes comes under a new MessageID.
	OtherBytes Effect = "other-bytes"
	// WrongReader, on getMessage: header and metadata name another reader.
	WrongReader Effect = "wrong-reader"
	// StaysOpen, Yellow and Red, on getTransportReport: the status it tells.
	StaysOpen Effect = "open"
	Yellow    Effect = "yellow"
	Red       Effect = "red"
)

// Order disturbs an operation a number of times.
type Order struct {
	On    string `yaml:"on"` // the operation's name in the WSDL: getMessage
	Do    Effect `yaml:"do"`
	Times int    `yaml:"times"` // 0: once; negative: always
	Skip  int    `yaml:"skip"`  // calls that pass before
}

var operations = map[string]string{
	"checkAccountActive": wire.CheckAccountActive, "lookupService": wire.LookupService, "createMessageId": wire.CreateMessageID,
	"sendMessage": wire.SendMessage, "getTransportReport": wire.GetTransportReport, "cancelMessage": wire.CancelMessage,
	"getStatusList": wire.GetStatusList, "getNextStatusList": wire.GetNextStatusList, "getMessage": wire.GetMessage, "close": wire.Close,
}

var effects = []Effect{
	Timeout, Drop, Lost, Forget, Unavailable, Garbage, Duplicate, OtherBytes, WrongReader, StaysOpen, Yellow, Red,
}

// problem names the order's key that cannot be, "" if none.
func (o Order) problem() (key, text string) {
	if _, known := operations[o.On]; !known {
		return "on", "is no operation of XTA"
	}
	if _, isFault := faults[string(o.Do)]; !isFault && !slices.Contains(effects, o.Do) {
		return "do", "is neither an effect nor a fault code"
	}
	return "", ""
}

// next takes the effect that is ordered for an action, "" for none.
func (s *Server) next(action string) Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[action]++
	for i := range s.orders {
		o := &s.orders[i]
		if operations[o.On] != action || o.Times == 0 {
			continue
		}
		if o.Skip > 0 {
			o.Skip--
			continue
		}
		o.Times--
		return o.Do
	}
	return ""
}

// faults are those of the code list fehlernummer 1.0, with their exception.
var faults = map[string]wire.Fault{
	"9000": {Exception: "XTAWSTechnicalProblemException", Text: "Unspezifizierter Fehler, als Freitext beschrieben"},
	"9010": {Exception: "PermissionDeniedException", Text: "Authentisierung/Zertifikat ist abgelaufen."},
	"9011": {Exception: "PermissionDeniedException", Text: "Account ist gesperrt."},
	"9012": {Exception: "PermissionDeniedException", Text: "Account nicht vorhanden."},
	"9013": {Exception: "PermissionDeniedException", Text: "Dienst ist nicht gebucht."},
	"9014": {Exception: "PermissionDeniedException", Text: "Authentisierung/Zertifikat passt nicht zur Absenderkennung."},
	"9020": {Exception: "ParameterIsNotValidException", Text: "Keine Parameter vorhanden"},
	"9021": {Exception: "ParameterIsNotValidException", Text: "Keine gültige URI"},
	"9022": {Exception: "ParameterIsNotValidException", Text: "Ungültige Parameterkombination"},
	"9023": {Exception: "ParameterIsNotValidException", Text: "Die Nachricht überschreitet die Größenbeschränkung."},
	"9024": {Exception: "ParameterIsNotValidException", Text: "MessageID ist bereits vergeben."},
	"9030": {Exception: "XTAWSTechnicalProblemException", Text: "Interner Fehler beim XTA-Server bzw. XTA-Dienstleister"},
	"9031": {Exception: "XTAWSTechnicalProblemException", Text: "Fehler beim externen Verzeichnisdienst"},
	"9032": {Exception: "XTAWSTechnicalProblemException", Text: "Fehler bei der Zustellung"},
	"9050": {Exception: "MessageSchemaViolationException", Text: "Fachnachricht ist nicht schemakonform"},
	"9051": {Exception: "MessageSchemaViolationException", Text: "Fachnachricht trägt ein falsches Encoding."},
	"9052": {Exception: "MessageSchemaViolationException", Text: "Nachricht verletzt das entsprechende Service Profil."},
	"9060": {Exception: "MessageVirusDetectionException", Text: "Es wurde schadhafter Code ermittelt."},
	"9070": {Exception: "InvalidMessageIDException", Text: "MessageID für den Account nicht bekannt."},
	"9080": {Exception: "SyncAsyncException", Text: "Der Dienst wird nur asynchron angeboten."},
	"9081": {Exception: "SyncAsyncException", Text: "Der Dienst wird nur synchron angeboten."},
	"9100": {Exception: "CancelDeniedException", Text: "Der durch den Schalter NotBefore gesetzte Termin ist verstrichen."},
	"9101": {Exception: "CancelDeniedException", Text: "Der Schalter NotBefore wurde nicht gesetzt."},
}

func fault(code string) *wire.Fault {
	f := faults[code]
	f.Code = code
	return &f
}
