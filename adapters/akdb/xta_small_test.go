package akdb_test

import (
	"errors"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/akdb"
)

func TestCleanName(t *testing.T) {
	if got := akdb.CleanName("An\x00lage\r\n\u0085 ä\xff.pdf"); got != "Anlage ä.pdf" {
		t.Errorf("%q", got)
	}
}

// TestOnlyPassedOver: messages that nobody can fetch do not slow down the box.
func TestOnlyPassedOver(t *testing.T) {
	one, other := akdb.PassedOver(errors.New("one")), errors.New("other")
	for _, err := range []error{one, errors.Join(nil, one), errors.Join(one, errors.Join(one, one))} {
		if !akdb.OnlyPassedOver(err) {
			t.Errorf("%v slows down", err)
		}
	}
	for _, err := range []error{nil, other, errors.Join(one, errors.Join(one, other))} {
		if akdb.OnlyPassedOver(err) {
			t.Errorf("%v is nothing", err)
		}
	}
}
