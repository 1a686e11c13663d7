package federation

import "testing"

// TestConsoleGrants: who has the claims of one set of a grant has the grant.
func TestConsoleGrants(t *testing.T) {
	t.Parallel()
	f := &Federation{Console: []*ConsoleGrant{
		{Role: ConsoleSteward, Organisation: "alpha", Claims: []map[string]string{{"groups": "alpha"}, {"sub": "7", "amr": "hwk"}}},
		{Role: ConsoleAuditor, Claims: []map[string]string{{"groups": "audit"}}},
	}}
	for _, tc := range []struct {
		claims map[string]any
		want   int
	}{
		{map[string]any{"groups": []any{"alpha", "audit"}}, 2},
		{map[string]any{"groups": "alpha"}, 1},
		{map[string]any{"sub": "7"}, 0},
		{map[string]any{"sub": "7", "amr": "hwk"}, 1},
		{map[string]any{"groups": []any{"Alpha"}}, 0},
		{nil, 0},
	} {
		if got := f.ConsoleGrants(tc.claims); len(got) != tc.want {
			t.Errorf("%v: %d grants, want %d", tc.claims, len(got), tc.want)
		}
	}
}
