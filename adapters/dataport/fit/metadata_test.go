package fit_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

const sha = "868cccc243ca7736a2c065ad6cf57c50f5d71145cd0e9bf9817965166312983fb4569c623e53a7c162c8de0a5b7b80aeee6cb47824a9606e2c64031d62e96f66"

const metadata2 = `{"$schema":"https://schema.fitko.de/fit-connect/metadata/2.1.0/metadata.schema.json","contentStructure":{
"data":{"hash":{"type":"sha512","content":"` + sha + `"},"submissionSchema":{"schemaUri":"https://schema.fitko.de/fim/s00000092_1.0.schema.json","mimeType":"application/json"}},
"attachments":[{"attachmentId":"654BF3B3-787d-4606-8913-efd769f69db7","purpose":"form","filename":"antrag.pdf","mimeType":"application/pdf","hash":{"type":"sha512","content":"` + sha + `"}}]},
"replyChannel":{"eMail":{"address":"erika@example.org"}},
"additionalReferenceInfo":{"senderReference":"R-1","applicationDate":"2026-11-23","zustimmungZumDigitalenBescheid":false},
"author":{"name":"Portal","product":{"name":"P","version":"1"}}}`

func TestMetadata(t *testing.T) {
	t.Parallel()
	m, err := fit.ReadMetadata([]byte(metadata2))
	if err != nil {
		t.Fatal(err)
	}
	if m.Data.SHA512 != sha || len(m.Attachments) != 1 || m.Attachments[0].ID != "654bf3b3-787d-4606-8913-efd769f69db7" ||
		m.ReplyChannel == nil || m.ReplyChannel.Address != "erika@example.org" || m.DigitalConsent == nil || *m.DigitalConsent || m.ApplicationDate != "2026-11-23" {
		t.Errorf("read %+v", m)
	}
	change := func(old, with string) string {
		if !strings.Contains(metadata2, old) {
			t.Fatal("nothing to change: ", old)
		}
		return strings.Replace(metadata2, old, with, 1)
	}
	for _, c := range []struct{ name, text, problem string }{
		{"a later one of the family", change("2.1.0", "2.9.7"), ""},
		{"what nobody knows", change(`"author":`, `"neu":{"a":[]},"author":`), ""},
		{"no schema, as in the first family", change(`"$schema":"https://schema.fitko.de/fit-connect/metadata/2.1.0/metadata.schema.json",`, ""), ""},
		{"another family", change("2.1.0", "3.0.0"), fit.UnsupportedSchema},
		{"another schema", change("https://schema.fitko.de", "https://example.org"), fit.UnsupportedSchema},
		{"no JSON", metadata2[1:], fit.SyntaxViolation},
		{"a name twice", change(`"author":`, `"author":{},"author":`), fit.SyntaxViolation},
		{"no data", change(`"data":{`, `"daten":{`), fit.SchemaViolation},
		{"no attachments", change(`"attachments":`, `"anlagen":`), fit.SchemaViolation},
		{"another hash", change(`"sha512"`, `"sha256"`), fit.SchemaViolation},
		{"half a hash", change(sha, sha[:64]), fit.SchemaViolation},
		{"hash in capitals", change(sha, strings.ToUpper(sha)), fit.SchemaViolation},
		{"data of another kind", change(`"application/json"`, `"application/pdf"`), fit.SchemaViolation},
		{"no id", change("654BF3B3-787d-4606-8913-efd769f69db7", "../../x"), fit.SchemaViolation},
		{"another purpose", change(`"form"`, `"virus"`), fit.SchemaViolation},
		{"no type", change(`"application/pdf"`, `"pdf"`), fit.SchemaViolation},
		{"two channels", change(`{"eMail":`, `{"deMail":{"address":"a@example.org"},"eMail":`), fit.SchemaViolation},
		{"no day", change("2026-11-23", "23.11.2026"), fit.SchemaViolation},
	} {
		_, err := fit.ReadMetadata([]byte(c.text))
		e, is := fit.IsMetadata(err)
		if c.problem == "" && err != nil || c.problem != "" && (!is || e.Problem != c.problem) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestRecordedMetadata(t *testing.T) {
	t.Parallel()
	samples := interop.Path(t, "data", "fit-connect", "samples")
	raw, err := os.ReadFile(filepath.Join(samples, "jose-utils", "metadata-v1.decrypted.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := fit.ReadMetadata(raw)
	if err != nil || m.Service != "urn:de:govos:parent:a3builder-7676-qs" || m.Data.SchemaURI != "urn:de:govos:data" || len(m.Attachments) != 1 || m.ApplicationDate != "2022-05-04" {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestMetadataAgainstSchema takes members out of the valid sample, one at a time:
// what FITKO's schema refuses within the parts that are read is refused.
func TestMetadataAgainstSchema(t *testing.T) {
	t.Parallel()
	compiled := fitkos(t)
	sample, err := os.ReadFile(interop.Path(t, "data", "fit-connect", "samples", "synthetic", "metadata-2.1.0.valid.json"))
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, path := range members(t, sample) {
		changed, value := without(t, sample, path)
		_, mine := fit.ReadMetadata(changed)
		theirs := compiled.Validate(value)
		if strings.HasPrefix(path, "contentStructure") && (mine == nil) != (theirs == nil) {
			t.Errorf("without %s: schema %v, here %v", path, theirs, mine)
		}
		if mine != nil && theirs == nil {
			t.Errorf("without %s: the schema allows it, here %v", path, mine)
		}
		tried++
	}
	if tried < 20 {
		t.Errorf("only %d members were tried", tried)
	}
}

// fitkos is FITKO's schema of metadata 2.1.0.
func fitkos(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat = true
	schema, err := os.ReadFile(interop.Path(t, "data", "fit-connect", "schemas", "fit-connect-metadata-2.1.0.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiler.AddResource("metadata.json", bytes.NewReader(schema)); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("metadata.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// TestMetadataWritten: FITKO's schema takes what is written.
func TestMetadataWritten(t *testing.T) {
	t.Parallel()
	schema, consent := fitkos(t), true
	const id, hash = "d12caea8-f372-4eb1-b102-b0a228253a11", "abcdef01"
	least := fit.Metadata{Data: fit.DataPart{SHA512: strings.Repeat(hash, 16), SchemaURI: "urn:example:antrag", MIMEType: "application/json"}}
	whole := least
	whole.Attachments = []fit.AttachmentPart{{
		ID: id, Purpose: "attachment", Filename: "plan.pdf", Description: "Plan", MIMEType: "application/pdf", SHA512: strings.Repeat(hash, 16),
	}}
	whole.SenderReference, whole.ApplicationDate, whole.StatusID, whole.DigitalConsent = "4711", "2026-03-03", id, &consent
	whole.Author.Name, whole.Author.Product.Name, whole.Author.Product.Version = "Stadt", "Amtsbote", "1"
	all := []fit.Metadata{least, whole}
	for kind, address := range map[string]string{
		"eMail": "a@example.org", "deMail": "a@example.org", "fink": "hh/by/12345", "elster": "1", "idBundDeMailbox": id, "fitConnect": "",
	} {
		m := whole
		m.ReplyChannel = &fit.ReplyChannel{Kind: kind, Address: address}
		all = append(all, m)
	}
	for _, m := range all {
		raw, err := m.Write(fit.MetadataVersion)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
		if _, err := fit.ReadMetadata(raw); err != nil {
			t.Error(err)
		}
	}
}

// members are the paths to all members, dotted.
func members(t *testing.T, raw []byte) []string {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var all []string
	var walk func(any, string)
	walk = func(v any, at string) {
		switch v := v.(type) {
		case map[string]any:
			for name, one := range v {
				path := strings.TrimPrefix(at+"."+name, ".")
				all = append(all, path)
				walk(one, path)
			}
		case []any:
			for _, one := range v {
				walk(one, at+".0")
			}
		}
	}
	walk(v, "")
	return all
}

func without(t *testing.T, raw []byte, path string) ([]byte, any) {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	at, steps := v, strings.Split(path, ".")
	for _, step := range steps[:len(steps)-1] {
		if list, is := at.([]any); is {
			at = list[0]
		} else {
			object, _ := at.(map[string]any)
			at = object[step]
		}
	}
	if object, is := at.(map[string]any); is {
		delete(object, steps[len(steps)-1])
	}
	changed, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return changed, v
}

func FuzzReadMetadata(f *testing.F) {
	f.Add([]byte(metadata2))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := fit.ReadMetadata(raw)
		if err != nil {
			if _, is := fit.IsMetadata(err); !is {
				t.Error(err)
			}
			return
		}
		for _, a := range m.Attachments {
			for _, id := range a.Parts() {
				if !fit.IsUUID(id) {
					t.Errorf("the id %q was let through", id)
				}
			}
		}
	})
}
