package where

import (
	"fmt"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		if _, err := Parse(fmt.Sprintf("ags LIKE '%08d%%' AND deutsch = TRUE", i)); err != nil {
			b.Fatal(err)
		}
	}
}
