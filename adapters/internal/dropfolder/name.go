package dropfolder

import (
	"path/filepath"
	"slices"
	"strings"
)

// maxName leaves room below the usual 255 bytes for the ULID of work/ and the
// ending of the report.
const maxName = 200

var temporary = []string{".tmp", ".part", ".filepart"}

// ours tells a file that this folder takes from one that is not finished or
// belongs to somebody else.
func (f *Folder) ours(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") {
		return false
	}
	ext := strings.ToLower(filepath.Ext(name))
	return slices.Contains(f.extensions, ext) && !slices.Contains(temporary, ext)
}

// plainName holds for names without path parts, on Windows shares too, and
// without control characters.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= maxName &&
		!strings.ContainsFunc(name, unsafeRune)
}

func unsafeRune(r rune) bool { return r == '/' || r == '\\' || r < ' ' || r == 0x7f }

// tame gives a name under which a refused file can be kept in error/.
func tame(name string) string {
	name = strings.Map(func(r rune) rune {
		if unsafeRune(r) {
			return '_'
		}
		return r
	}, name)
	return shorten(name, maxName)
}

// shorten cuts a name to at most limit bytes and keeps its ending.
func shorten(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	ext := filepath.Ext(name)
	if len(ext) > limit/2 {
		ext = ""
	}
	return name[:limit-len(ext)] + ext
}
