package fit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Tags are the authentication tags of all parts of a submission, as the SET
// submit-submission says them and the SET accept-submission repeats them.
type Tags struct {
	Metadata    string            `json:"metadata"`
	Data        string            `json:"data,omitzero"`
	Attachments map[string]string `json:"attachments,omitzero"`
}

// SameTag compares two tags by their bytes: the last character of base64url has
// two bits that mean nothing.
func SameTag(a, b string) bool {
	x, err1 := base64url.DecodeString(a)
	y, err2 := base64url.DecodeString(b)
	return err1 == nil && err2 == nil && len(x) == tagSize && bytes.Equal(x, y)
}

// Attachment gives the tag of an attachment, by its id in any case.
func (t Tags) Attachment(id string) (string, bool) {
	for name, tag := range t.Attachments {
		if strings.EqualFold(name, id) {
			return tag, true
		}
	}
	return "", false
}

// IDs gives the ids of the attachments in lower case, sorted.
func (t Tags) IDs() []string {
	ids := make([]string, 0, len(t.Attachments))
	for id := range t.Attachments {
		ids = append(ids, strings.ToLower(id))
	}
	slices.Sort(ids)
	return ids
}

// Digest is one value for all tags, to see later whether they are still the same.
func (t Tags) Digest() string {
	var b strings.Builder
	fmt.Fprintln(&b, t.Metadata, t.Data)
	for _, id := range slices.Sorted(maps.Keys(t.Attachments)) {
		fmt.Fprintln(&b, strings.ToLower(id), t.Attachments[id])
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}
