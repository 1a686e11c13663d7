package schemas

import (
	"embed"
	"io/fs"
)

//go:embed recht/*.yaml
var recht embed.FS

// Recht gives the laws that come with the program, one file <key>.yaml each, as
// recht/README.md describes them. The laws of a federation directory are added
// by whoever reads them.
func Recht() fs.FS {
	laws, err := fs.Sub(recht, "recht")
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return laws
}
