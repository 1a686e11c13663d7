package fit

import (
	"encoding/json"
	"fmt"
)

// MetadataVersion is the newest version of the metadata that is written.
const MetadataVersion = "2.1.0"

// Write gives metadata of family 2 in a version of it. Members that are empty are
// left out.
func (m *Metadata) Write(version string) ([]byte, error) {
	type object = map[string]any
	hash := func(sum string) object { return object{"type": "sha512", "content": sum} }
	attachments := []object{}
	for _, a := range m.Attachments {
		one := object{"attachmentId": a.ID, "purpose": a.Purpose, "mimeType": a.MIMEType, "hash": hash(a.SHA512)}
		put(one, "filename", a.Filename)
		put(one, "description", a.Description)
		attachments = append(attachments, one)
	}
	all := object{
		"$schema": "https://schema.fitko.de/fit-connect/metadata/" + version + "/metadata.schema.json",
		"contentStructure": object{
			"data": object{
				"hash":             hash(m.Data.SHA512),
				"submissionSchema": object{"schemaUri": m.Data.SchemaURI, "mimeType": m.Data.MIMEType},
			},
			"attachments": attachments,
		},
	}
	reference := object{}
	put(reference, "senderReference", m.SenderReference)
	put(reference, "applicationDate", m.ApplicationDate)
	put(reference, "idBundDeApplicationId", m.StatusID)
	if m.DigitalConsent != nil {
		reference["zustimmungZumDigitalenBescheid"] = *m.DigitalConsent
	}
	if len(reference) > 0 {
		all["additionalReferenceInfo"] = reference
	}
	if a := m.Author; a.Name != "" {
		all["author"] = object{
			"name": a.Name, "product": object{"name": a.Product.Name, "version": a.Product.Version, "manufacturer": a.Product.Name},
		}
	}
	if c := m.ReplyChannel; c != nil && addresses[c.Kind] != "" && c.Address != "" {
		all["replyChannel"] = object{c.Kind: object{addresses[c.Kind]: c.Address}}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("write metadata: %w", err)
	}
	return raw, nil
}

// addresses are the members that hold the address of a reply channel. That of
// fitConnect needs a key instead, and is not written.
var addresses = map[string]string{
	"eMail": "address", "deMail": "address", "fink": "finkPostfachRef", "elster": "accountId", "idBundDeMailbox": "mailboxUuid",
}

func put(o map[string]any, name, value string) {
	if value != "" {
		o[name] = value
	}
}
