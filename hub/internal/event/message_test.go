package event

import (
	"strconv"
	"testing"
)

// TestManyHeaders: what a message takes in memory counts each value, also of one name.
func TestManyHeaders(t *testing.T) {
	m := &Message{Header: map[string][]string{}}
	for i := range 10_000 {
		m.Header["a"] = append(m.Header["a"], "")
		m.Header["b"+strconv.Itoa(i)] = []string{""}
	}
	if got := m.InMemory(); got < 20_000*48 {
		t.Errorf("20 000 values take %d bytes", got)
	}
}
