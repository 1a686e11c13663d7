package schemas

import (
	"io/fs"
	"testing"
	"testing/fstest"
)

// TestAdmission holds every schema that comes with the program to the rules for
// a directory's own ones, examples included.
func TestAdmission(t *testing.T) {
	r, errs := (&Registry{}).With(files)
	for _, err := range errs {
		t.Error(err)
	}
	if r != nil && len(r.Types()) < 9 {
		t.Errorf("types = %v", r.Types())
	}
}

var _ = fs.ValidPath
var _ = fstest.MapFS{}
