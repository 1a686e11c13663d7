package schemas

import (
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/amtsbote/amtsbote/schemas/accepter"
)

// IDPrefix begins the $id of every schema; the type follows.
const IDPrefix = "urn:amtsbote:schema:"

// Schema is the admitted and compiled schema of one event type.
type Schema struct {
	Type  string // de.meldewesen.wohnung-angemeldet.v1
	ID    string // urn:amtsbote:schema:de.meldewesen.wohnung-angemeldet.v1
	Title string // German, as is Description
	// TitleEn is "" when the schema gives no English; so are Description and
	// DescriptionEn when they are missing.
	TitleEn, Description, DescriptionEn string
	// Attributes that events of this type may carry beyond the common ones.
	Attributes []string
	// Keep is how long a released event of this type is kept; 0 is allowed.
	Keep time.Duration
	// Sperren are the block marks, in the order of their pointers.
	Sperren []Sperre
	// Bedingungen are the data conditions: name to JSON Pointer.
	Bedingungen map[string]string
	// Adressen are the fields that name an authority, in the order of their pointers.
	Adressen []Adresse
	// Suchbar are the fields by whose values the console finds events, in the order of their
	// pointers; SuchbarAttribute are the attributes.
	Suchbar          []Suchbar
	SuchbarAttribute []string
	// Raw is the file as it stands.
	Raw []byte

	fsys      fs.FS // the folder of its examples lies in it
	resolved  map[string]any
	names     map[string]bool
	compiling sync.Mutex
	compiled  atomic.Pointer[jsonschema.Schema] // nil until it is needed, see validator
	load      *load
	accepter  *accepter.Accepter
	short     int // data up to this length cannot be beyond Budget
	marked    kept
	suchbar   kept // the searchable fields
}

// Sperre is a block mark: the field at Pointer tells whether block Name is set.
type Sperre struct {
	Pointer, Name string
}

// Resolved is the schema with every $ref replaced by what it points at, as
// decoded JSON (numbers are json.Number). It is shared: do not change it.
func (s *Schema) Resolved() map[string]any { return s.resolved }
