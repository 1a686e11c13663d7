package decision

import "testing"

// TestParkedSubjects: a key is read back from where it lies and where its act is
// marked, even if an organisation has the name of an act.
func TestParkedSubjects(t *testing.T) {
	for _, org := range []string{"alpha", ActRelease} {
		key := ParkedKey{Application: org + ".app", Direction: Out, Token: "00ff"}
		if got, act, ok := ReadParked(key.Subject()); got != key || act != "" || !ok {
			t.Errorf("%s reads as %+v %q %v", key.Subject(), got, act, ok)
		}
		if got, act, ok := ReadParked(key.Mark(ActReturn)); got != key || act != ActReturn || !ok {
			t.Errorf("%s reads as %+v %q %v", key.Mark(ActReturn), got, act, ok)
		}
	}
	in := ParkedKey{Application: "alpha.app", Direction: In, Token: "00ff"}.Everywhere()
	if in.Subject() != "parked.alpha.*.in.00ff" || in.Mark(ActRelease) != "parked.release.alpha._.in.00ff" {
		t.Errorf("everywhere is %s and %s", in.Subject(), in.Mark(ActRelease))
	}
	for _, other := range []string{"parked.cursor.IN_alpha", "out.alpha.app.in.00ff", "parked.alpha.app.up.00ff"} {
		if _, _, ok := ReadParked(other); ok {
			t.Errorf("%s reads as a parked key", other)
		}
	}
}
