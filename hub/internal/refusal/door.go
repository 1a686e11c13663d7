package refusal

// Codes given at the HTTP door, about the request rather than the event in it.
const (
	MediaType      Code = "MEDIATYPE"       // the content type is none that is taken here
	BatchLimit     Code = "BATCH_LIMIT"     // too many events in a batch
	Duplicate      Code = "DUPLICATE"       // the same event came before: nothing is to be done
	Smuggling      Code = "SMUGGLING"       // the body's framing is broken or ambiguous
	Timeout        Code = "TIMEOUT"         // the request did not come in time
	Method         Code = "METHOD"          // the path has no such method
	Path           Code = "PATH"            // there is no such path
	Auth           Code = "AUTH"            // nobody known asks
	NotFound       Code = "NOT_FOUND"       // nothing of the asker's is there
	RateLimit      Code = "RATE_LIMIT"      // more than may be asked a second
	QuotaFull      Code = "QUOTA_FULL"      // the organisation's in stream is full
	NotStored      Code = "NOT_STORED"      // whether it is stored is not known
	SigStale       Code = "SIG_STALE"       // a signature too old; this version checks none
	RequestInvalid Code = "REQUEST_INVALID" // a parameter or the body is not as described
)

var door = map[Code][2]string{
	MediaType:      {"Diesen Content-Type nimmt der Amtsbote hier nicht an: application/cloudevents+json, application/cloudevents-batch+json in UTF-8, oder ce-Köpfe. Der Absender muss ihn berichtigen.", "This content type is not taken here: application/cloudevents+json, application/cloudevents-batch+json in UTF-8, or ce- headers. The sender must correct it."},
	BatchLimit:     {"Der Stapel hat mehr als 1000 Ereignisse. Der Absender muss ihn aufteilen.", "The batch has more than 1000 events. The sender must split it."},
	Duplicate:      {"Dieses Ereignis kam schon mit demselben Inhalt. Es ist nichts zu tun.", "This event came before with the same content. Nothing is to be done."},
	Smuggling:      {"Wo der Inhalt der Anfrage endet, ist nicht eindeutig (Transfer-Encoding, Content-Length). Der Absender muss sie berichtigen.", "Where the body of the request ends is not clear (Transfer-Encoding, Content-Length). The sender must correct it."},
	Timeout:        {"Die Anfrage kam nicht in der erlaubten Zeit ganz an. Der Absender muss sie noch einmal senden.", "The request did not come whole within its time. The sender must send it again."},
	Method:         {"Diese Methode gibt es für diesen Pfad nicht. Der Kopf Allow nennt die erlaubten.", "This path has no such method. The header Allow names those that it has."},
	Path:           {"Diesen Pfad gibt es nicht. /openapi.json nennt alle.", "There is no such path. /openapi.json names all."},
	Auth:           {"Der Aufrufer hat keinen gültigen Nachweis, welches Fachverfahren er ist (Token oder Client-Zertifikat). Der Aufrufer muss ihn erneuern, oder der Datensteward ihn im Verbundverzeichnis eintragen.", "Who asks has no valid proof of which application it is (token or client certificate). It must renew it, or a steward enter it in the federation directory."},
	NotFound:       {"Hier liegt nichts, das diesem Fachverfahren gehört.", "There is nothing here that belongs to this application."},
	RateLimit:      {"Das Fachverfahren oder seine Organisation fragt öfter, als sie darf. Der Kopf Retry-After sagt, wann es weitergeht.", "The application or its organisation asks more often than it may. The header Retry-After says when to go on."},
	QuotaFull:      {"Der Eingang der Organisation ist voll. Nichts wurde angenommen; der Absender muss es später noch einmal senden.", "The organisation's in stream is full. Nothing was taken; the sender must send it again later."},
	NotStored:      {"Ob das Ereignis gespeichert ist, steht nicht fest. Der Absender muss es noch einmal unverändert senden; doppelt zugestellt wird es nicht.", "Whether the event is stored is not known. The sender must send it again unchanged; it is not delivered twice."},
	SigStale:       {"Die Signatur der Anfrage ist zu alt. Der Absender muss sie neu signieren.", "The request's signature is too old. The sender must sign it anew."},
	RequestInvalid: {"Die Anfrage ist nicht, wie /openapi.json sie beschreibt. Der Aufrufer muss sie berichtigen.", "The request is not as /openapi.json describes it. Who asks must correct it."},
}
