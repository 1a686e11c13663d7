package zms_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/zms"
)

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(interop.Path(t, "data", "city", "zms", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Answers with one process that were recorded of ZMS (POST reserved, preconfirmed,
// confirmed, update, cancel): what is told is read, what is not is not there.
func TestRecordedProcesses(t *testing.T) {
	for name, want := range map[string]zms.Observation{
		"fixture-POST_reserve_appointment.json":    {Status: "reserved", Scope: "58", Begin: 32526616522, Changed: 1727189317, Created: 1727189317, Minutes: 40},
		"fixture-POST_preconfirm_appointment.json": {Status: "preconfirmed", Scope: "228", Begin: 1727865900, Created: 1727853590, Minutes: 5, Leistungen: []string{"10242339"}},
		"fixture-POST_confirm_appointment.json":    {Status: "confirmed", Scope: "228", Begin: 1727865900, Created: 1727853590, Minutes: 5, Leistungen: []string{"10242339"}},
		"fixture-POST_update_appointment.json":     {Status: "reserved", Scope: "228", Begin: 1727865900, Created: 1727853590, Minutes: 5, Leistungen: []string{"10242339"}},
		"fixture-POST_cancel_appointment.json":     {Status: "deleted", Scope: "228", Begin: 1727865900, Created: 1727853590, Minutes: 5, Leistungen: []string{"10242339"}},
	} {
		got, err := zms.ReadOne(fixture(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want.Process = "101002"
		if got.Process != want.Process || got.Status != want.Status || got.Scope != want.Scope || got.Begin != want.Begin ||
			got.Created != want.Created || got.Changed != want.Changed || got.Minutes != want.Minutes || !slices.Equal(got.Leistungen, want.Leistungen) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// Lists of free appointments (fixture-GET_appointments*.json): objects with counting
// keys, and numbers as texts. They hold no process yet, and nothing is set aside.
func TestRecordedLists(t *testing.T) {
	for name, slots := range map[string]int{
		"fixture-GET_appointments.json": 1, "fixture-GET_appointments_free.json": 1, "fixture-GET_appointments_empty.json": 0,
	} {
		raw := fixture(t, name)
		l, err := zms.ReadListing(raw)
		if err != nil || len(l.Seen) != 0 || len(l.Unreadable) != 0 || !l.Complete {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
		if n, err := zms.ReadSlots(raw); err != nil || n != slots {
			t.Errorf("%s: %d slots, %v", name, n, err)
		}
	}
}

// The example of schema-process.json is understood too: numbers as numbers.
func TestSchemaExample(t *testing.T) {
	_, rest, _ := strings.Cut(string(fixture(t, "schema-process.json")), `"example": `)
	example, _, _ := strings.Cut(rest, "\n  },\n  \"required\"")
	got, err := zms.ReadProcess([]byte(example + "}"))
	if err != nil || got.Process != "123456" || got.Status != "confirmed" || got.Dienststelle != "123" || got.Leika != "99115005070000" ||
		got.Begin != 1447869171 || got.Minutes != 24 || got.Reserved != 5 || !slices.Equal(got.Leistungen, []string{"120335"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// withAppointment is an integer, a boolean or a text (schema-queue.json), a number also
// one with a fraction of nothing: none of these costs an appointment, and a waiting number
// is none.
func TestFormsOfAField(t *testing.T) {
	for with, walkIn := range map[string]bool{"1": false, `"1"`: false, "true": false, "false": false, "null": false, "0": true, `"0"`: true} {
		for _, date := range []string{"1727865900", `"1727865900"`, "1727865900.0"} {
			raw := `{"id":101002,"status":"confirmed","createTimestamp":"1727853590","appointments":[{"date":` + date + `}],"queue":{"withAppointment":` + with + `}}`
			got, err := zms.ReadProcess([]byte(raw))
			if err != nil || got.Begin != 1727865900 || got.WalkIn != walkIn {
				t.Errorf("withAppointment %s, date %s: %+v, %v", with, date, got, err)
			}
		}
	}
	if got, err := zms.ReadProcess([]byte(`{"id":7,"status":"queued","queue":{"withAppointment":false}}`)); err != nil || !got.WalkIn {
		t.Errorf("a waiting number: %+v, %v", got, err)
	}
}

// No recorded answer makes the parsers panic, or errors that quote.
func TestEveryRecordedAnswer(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(interop.Path(t, "data", "city", "zms"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range readAll(raw) {
			if err != nil && (strings.Contains(err.Error(), "TEST_USER") || strings.Contains(err.Error(), "fb43")) {
				t.Errorf("%s: an error quotes: %v", f, err)
			}
		}
	}
}

// readAll gives raw to each parser of answers.
func readAll(raw []byte) []error {
	l, e1 := zms.ReadListing(raw)
	_, e2 := zms.ReadProcess(raw)
	_, e3 := zms.ReadSlots(raw)
	_, e4 := zms.ReadOne(raw)
	all := []error{e1, e2, e3, e4, zms.ReadReply(raw)}
	for _, u := range l.Unreadable {
		all = append(all, u.Fault)
	}
	return all
}
