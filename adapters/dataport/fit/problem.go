package fit

// Problem is why a submission is rejected (RFC 7807, in a SET reject-submission).
// It goes to the sender: Detail holds nothing of the content.
type Problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"` // metadata, data, submission, or attachment:<id>
}

// ProblemPrefix is where the types of problems begin.
const ProblemPrefix = "https://schema.fitko.de/fit-connect/events/problems/"

// The problems that a subscriber can have with a submission. UNVERIFIED: FITKO
// has a list from which type and instance must be taken, and it could not be read.
const (
	IncorrectTag      = "incorrect-authentication-tag"
	EncryptionIssue   = "encryption-issue"
	SyntaxViolation   = "syntax-violation"
	MissingSchema     = "missing-schema"
	SchemaViolation   = "schema-violation"
	UnsupportedSchema = "unsupported-schema"
	UnsupportedData   = "unsupported-data-schema"
	UnsupportedLeika  = "unsupported-service"
	AttachmentsDiffer = "attachments-mismatch"
	HashMismatch      = "hash-mismatch"
)

// Titles of the problems, for the sender.
var Titles = map[string]string{
	IncorrectTag:      "Authentication-Tag stimmt nicht überein",
	EncryptionIssue:   "Entschlüsselung nicht möglich",
	SyntaxViolation:   "Syntaxfehler",
	MissingSchema:     "Schemaangabe fehlt",
	SchemaViolation:   "Schema verletzt",
	UnsupportedSchema: "Metadatenschema nicht unterstützt",
	UnsupportedData:   "Fachdatenschema nicht unterstützt",
	UnsupportedLeika:  "Verwaltungsleistung nicht unterstützt",
	AttachmentsDiffer: "Anlagen stimmen nicht mit der Ankündigung überein",
	HashMismatch:      "Prüfsumme stimmt nicht überein",
}
