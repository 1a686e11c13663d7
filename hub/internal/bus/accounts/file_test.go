package accounts

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWriteSecret: what others have put beside it, a link or a file that they can
// read, does not get the secret.
func TestWriteSecret(t *testing.T) {
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "theirs")
	path := filepath.Join(dir, "app.creds")
	must(t, os.WriteFile(elsewhere, []byte("theirs"), 0o600))
	must(t, os.Symlink(elsewhere, path+".tmp"))
	must(t, WriteSecret(path, []byte("secret")))
	must(t, WriteSecret(path, []byte("another")))
	if got, err := os.ReadFile(path); err != nil || string(got) != "another" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	if st, err := os.Lstat(path); err != nil || st.Mode() != 0o600 {
		t.Errorf("it has mode %v, %v", st.Mode(), err)
	}
	if got, err := os.ReadFile(elsewhere); err != nil || string(got) != "theirs" {
		t.Errorf("the other's file holds %q, %v", got, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("beside it lie %v, %v", left, err)
	}
}
