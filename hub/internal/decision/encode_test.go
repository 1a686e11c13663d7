package decision

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// TestAppendJSON compares with encoding/json, field by field and with all at once; so a
// field that is added to a record and forgotten there is found.
func TestAppendJSON(t *testing.T) {
	same := func(d *Decision) {
		t.Helper()
		want, wantErr := json.Marshal(d)
		got, err := d.AppendJSON(nil)
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("%v, encoding/json %v", err, wantErr)
		}
		if err == nil && string(got) != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	for i := range reflect.TypeFor[Decision]().NumField() {
		d := &Decision{}
		fill(reflect.ValueOf(d).Elem().Field(i))
		same(d)
	}
	for i := range reflect.TypeFor[Receiver]().NumField() {
		r := Receiver{}
		fill(reflect.ValueOf(&r).Elem().Field(i))
		same(&Decision{Receivers: []Receiver{r, {}, r}})
	}
	for range 2000 {
		d := &Decision{}
		fill(reflect.ValueOf(d).Elem())
		same(d)
	}
	same(&Decision{})
	same(&Decision{Stored: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)})
	same(&Decision{Stored: time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))})
}

// hard are strings that an encoder can go wrong with.
var hard = []string{"", "lhm.kfz", `a"b`, `a\b`, "<&>", "\x00\x1f\x7f\n\t", "äöü", "\u2028\u2029", "\xff\xfe", "日本", "𝄞", "a\xed\xa0\x80b"}

func fill(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(rand.Int64N(1<<33), rand.Int64N(1e9)).UTC()))
		return
	case *Ref:
		v.Set(reflect.ValueOf(&Ref{In: hard[rand.IntN(len(hard))], Seq: rand.Uint64()}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(hard[rand.IntN(len(hard))])
	case reflect.Uint64:
		v.SetUint(rand.Uint64())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		s := reflect.MakeSlice(v.Type(), rand.IntN(4), 4)
		for i := range s.Len() {
			fill(s.Index(i))
		}
		v.Set(s)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		panic(fmt.Sprintf("no value for a %s", v.Type()))
	}
}

// BenchmarkAppendJSON is what the record of one event costs.
func BenchmarkAppendJSON(b *testing.B) {
	d := &Decision{
		In: "IN_amt", Seq: 12345, Application: "amt.fach", Authority: "ags:09162000", ID: "0198f3a2-8c41-7b52-9e0c-0d5c7a1b2e3f", Source: "urn:de:ags:09162000:fach",
		Type: "de.meldewesen.person-zugezogen.v1", Digest: "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA", Federation: "v7", Outcome: "routed",
		Receivers: []Receiver{{Application: "ziel.fach", Agreement: "a1", Law: "§ 34 BMG"}}, Stored: time.Now().UTC(), Decided: time.Now().UTC(),
	}
	var buf []byte
	for b.Loop() {
		buf, _ = d.AppendJSON(buf[:0])
	}
}
