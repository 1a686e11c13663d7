package mapping

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// memory is an adapter's State.
type memory map[string][]byte

func (m memory) Get(_ context.Context, key string) ([]byte, error) { return m[key], nil }

func (m memory) Put(_ context.Context, key string, value []byte) error {
	m[key] = value
	return nil
}

func (m memory) Delete(_ context.Context, key string) error {
	delete(m, key)
	return nil
}

func TestCaseKey(t *testing.T) {
	t.Parallel()
	m := memory{}
	first, err := CaseKey(t.Context(), m, nil)
	if err != nil || len(first) != caseKeyBytes {
		t.Fatal(first, err)
	}
	if again, err := CaseKey(t.Context(), m, nil); err != nil || !bytes.Equal(first, again) {
		t.Error("another key the second time", err)
	}
	m[caseKeyName] = first[:16]
	if _, err := CaseKey(t.Context(), m, nil); err == nil || !bytes.Equal(m[caseKeyName], first[:16]) {
		t.Error("a damaged key is replaced without a word")
	}
	fixed := bytes.Repeat([]byte{7}, caseKeyBytes)
	if got, err := CaseKey(t.Context(), m, fixed); err != nil || !bytes.Equal(got, fixed) {
		t.Error(got, err)
	}
}

func TestReadKey(t *testing.T) {
	t.Parallel()
	if key, err := ReadKey(""); key != nil || err != nil {
		t.Error(key, err)
	}
	path := filepath.Join(t.TempDir(), "key")
	for text, good := range map[string]bool{
		strings.Repeat("0a", 32) + "\n": true, strings.Repeat("0a", 31): false, strings.Repeat("0a", 33): false,
		strings.Repeat("x", 64): false, "": false,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := ReadKey(path); (err == nil) != good || good && len(key) != caseKeyBytes {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestSameEventWithAnotherKey: an input whose mapping names no case gives the same
// event after the key is lost; one with a case needs the key.
func TestSameEventWithAnotherKey(t *testing.T) {
	t.Parallel()
	doc := func(m *Mapping) Doc {
		d, err := m.Read([]byte(`{"nr":1,"v":"A"}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for text, same := range map[string]bool{"": true, "case: /v\n": false} {
		m := compiled(t, jsonHead+text+"data: {/a: /v}")
		one, err := m.Event(doc(m), With{Source: "urn:a", Key: []byte("1"), ID: "i", Content: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		other, err := m.Event(doc(m), With{Source: "urn:a", Key: []byte("2"), ID: "i", Content: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		if (one.String() == other.String()) != same {
			t.Errorf("%q: %s\n%s", text, one, other)
		}
	}
}

// TestIDKey: with a key an id of values is not found by trying; without it, it is
// the one that everybody can make, which outlives the adapter's memory.
func TestIDKey(t *testing.T) {
	t.Parallel()
	m := compiled(t, strings.Replace(jsonHead, "id: {content: true}", "id: {from: /nr}", 1)+"data: {/a: /v}")
	if !m.ValueID() {
		t.Fatal("the mapping's id comes of no value")
	}
	id := func(key string) string {
		d, err := m.Read([]byte(`{"nr":"4711","v":"A"}`))
		if err != nil {
			t.Fatal(err)
		}
		w := With{Source: "urn:a"}
		if key != "" {
			w.IDKey = []byte(key)
		}
		e, err := m.Event(d, w)
		if err != nil {
			t.Fatal(err)
		}
		return e.ID()
	}
	open := EventID("urn:a", m.Type(), "4711")
	first, again := id("1"), id("1")
	if id("") != open || first == open || first != again || first == id("2") {
		t.Error(open, id(""), first, again, id("2"))
	}
}
