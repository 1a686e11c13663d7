package xmeld

import "github.com/amtsbote/amtsbote/adapters/akdb/xoev"

// Zurueckweisung is the data of de.nachricht.zurueckgewiesen.v1: a reader sends
// a message back (XInneres 0010).
type Zurueckweisung struct {
	Empfaenger         xoev.Stelle        `json:"empfaenger"` // author of the message sent back
	Ursprung           *Ursprung          `json:"ursprung,omitempty"`
	Gruende            []Rueckweisgrund   `json:"gruende"`
	Faelle             []Zurueckgewiesner `json:"faelle,omitempty"`
	Stelle             string             `json:"stelle,omitempty"` // who checked, if not the author
	Transportnachricht string             `json:"transportnachricht,omitempty"`
	Nachricht          *xoev.Original     `json:"nachricht,omitempty"` // the message sent back, when one is to be built
	Sperren            *Sperren           `json:"sperren,omitempty"`   // in the message sent back
	Kopf               *xoev.Kopf         `json:"kopf,omitempty"`
	Original           *xoev.Original     `json:"original,omitempty"`
}

// Rueckweisgrund is one reason: a code of XInneres (fehlercodes) and what the
// refusing body says about it.
type Rueckweisgrund struct {
	Code    string   `json:"code"`
	Text    string   `json:"text,omitempty"`
	Angaben []string `json:"angaben,omitempty"`
}

// Zurueckgewiesner is one case of the message that was not processed.
type Zurueckgewiesner struct {
	Ereignis xoev.Ereignis    `json:"ereignis"`
	Gruende  []Rueckweisgrund `json:"gruende"`
}

// Quittiert is the data of de.nachricht.quittiert.v1.
type Quittiert struct {
	Empfaenger xoev.Stelle     `json:"empfaenger"`
	Ursprung   *Ursprung       `json:"ursprung,omitempty"`
	Lieferung  int64           `json:"lieferung,omitempty"` // running number, XMeld 1101
	Saetze     *Saetze         `json:"saetze,omitempty"`    // XMeld 1101
	Ereignisse []xoev.Ereignis `json:"ereignisse,omitempty"`
	Kopf       *xoev.Kopf      `json:"kopf,omitempty"`
	Original   *xoev.Original  `json:"original,omitempty"`
}

// Saetze counts what became of the records of a delivery.
type Saetze struct {
	Gelesen         int64 `json:"gelesen"`
	Zurueckgewiesen int64 `json:"zurueckgewiesen"`
	Gemeldet        int64 `json:"gemeldet"`
}
