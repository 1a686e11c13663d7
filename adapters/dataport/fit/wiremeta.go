package fit

import "strings"

// wireMetadata is the JSON of both families.
type wireMetadata struct {
	Schema  string `json:"$schema"`
	Content *struct {
		Data *struct {
			Hash   wireHash `json:"hash"`
			Schema struct {
				URI      string `json:"schemaUri"`
				MIMEType string `json:"mimeType"`
			} `json:"submissionSchema"`
		} `json:"data"`
		Attachments []wireAttachment `json:"attachments"`
	} `json:"contentStructure"`
	Service struct {
		Identifier string `json:"identifier"`
	} `json:"publicServiceType"`
	Reference struct {
		Sender   string `json:"senderReference"`
		Date     string `json:"applicationDate"`
		StatusID string `json:"idBundDeApplicationId"`
		Consent  *bool  `json:"zustimmungZumDigitalenBescheid"`
	} `json:"additionalReferenceInfo"`
	Author Author                 `json:"author"`
	Reply  map[string]wireChannel `json:"replyChannel"`
}

type wireHash struct {
	Type    string `json:"type"`
	Content string `json:"content"`
}

func (h wireHash) good() bool { return h.Type == "sha512" && hashForm.MatchString(h.Content) }

type wireAttachment struct {
	ID          string   `json:"attachmentId"`
	Purpose     string   `json:"purpose"`
	Filename    string   `json:"filename"`
	Description string   `json:"description"`
	MIMEType    string   `json:"mimeType"`
	Hash        wireHash `json:"hash"`
	Fragments   []string `json:"fragments"`
}

// wireChannel has the members of all reply channels.
type wireChannel struct {
	Address    string   `json:"address"`
	Fink       string   `json:"finkPostfachRef"`
	Account    string   `json:"accountId"`
	Mailbox    string   `json:"mailboxUuid"`
	Standards  []string `json:"processStandards"`
	Encryption *JWK     `json:"encryptionPublicKey"`
}

// address gives where the channel leads, "" for one that needs a key instead. A
// channel that a later schema adds has no address here.
func (c wireChannel) address(kind string) (string, error) {
	address, needed := "", true
	switch kind {
	case "eMail", "deMail":
		address = c.Address
	case "fink":
		address = c.Fink
	case "elster":
		address = c.Account
	case "idBundDeMailbox":
		if address = strings.ToLower(c.Mailbox); !IsUUID(address) {
			address = ""
		}
	default:
		needed = false
	}
	if needed && address == "" {
		return "", violation("replyChannel.%s", kind)
	}
	if kind == "fitConnect" && (len(c.Standards) == 0 || c.Encryption == nil) {
		return "", violation("replyChannel.fitConnect")
	}
	return address, nil
}
