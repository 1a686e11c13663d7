package csvdatei

import (
	"crypto/sha256"
	"encoding/hex"
)

// RowID is the id of a row of a file with this content.
func RowID(content, name string, line int) string {
	sum := sha256.Sum256([]byte(content))
	return rowID(hex.EncodeToString(sum[:]), name, line)
}
