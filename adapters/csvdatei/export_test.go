package csvdatei

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/amtsbote/amtsbote/adapters/internal/csvrows"
)

// RowID is the id of a row of a file with this content.
func RowID(content, name string, line int) string {
	sum := sha256.Sum256([]byte(content))
	return rowID(hex.EncodeToString(sum[:]), name, line)
}

// Defaults are the settings about which nothing is said, for the README's tables.
func Defaults() []any { return []any{defaults(), sftpDefaults(), csvrows.Format{}.OrDefaults()} }
