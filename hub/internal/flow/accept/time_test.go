package accept

import "testing"

// FuzzTime: the short way to a timestamp takes nothing that the long one refuses.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-11-28T19:45:00Z", "2026-11-28t19:45:00z", "2026-11-28T19:45:60Z", "2026-11-28T19:45:00+01:00", "2026-1-28T19:45:00.1Z", "२026-11-28T19:45Z", "2026-11-28T19:45:00.Z", "2026-11-28T19:45:00.123456789012Z", "2026-11-28T19:45:001Z", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if plain(s) && !timestamp.MatchString(s) {
			t.Errorf("%q is taken", s)
		}
	})
}

// TestPlainTime: what is usual goes the short way.
func TestPlainTime(t *testing.T) {
	for _, s := range []string{"2026-11-28T19:45:00Z", "2026-11-28T19:45:00.1Z", "2026-11-28T19:45:00.123456789Z"} {
		if !plain(s) {
			t.Errorf("%s does not", s)
		}
	}
}
