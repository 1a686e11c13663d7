package aenderungen_test

import (
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/aenderungen"
)

// TestAliasCircle: no decision closes a circle, and one that is there already does
// not stop the partition.
func TestAliasCircle(t *testing.T) {
	state := adaptertest.NewIntake().State()
	resolve, remember := aenderungen.Resolver(state)
	leads := func(key, want string) {
		t.Helper()
		if got, err := resolve(t.Context(), key); err != nil || got != want {
			t.Errorf("%s leads to %q, %v", key, got, err)
		}
	}
	for _, step := range [][]string{{"b", "a"}, {"a", "b"}, {"c", "b"}, {"a", "c"}, {"b", "c"}} {
		if err := remember(t.Context(), step[0], step[1:]...); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"a", "b", "c"} {
		leads(key, "c")
	}
	for key, target := range map[string]string{"z": "y", "y": "x", "x": "y"} {
		if err := state.Put(t.Context(), "a."+key, []byte(target)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"x", "y", "z"} {
		leads(key, "x")
	}
	if err := remember(t.Context(), "y", "x", "z"); err != nil {
		t.Fatal(err)
	}
	leads("z", "x")
}
