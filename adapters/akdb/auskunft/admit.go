package auskunft

import (
	"fmt"

	"github.com/amtsbote/amtsbote/hub"
)

// attrTest is the attribute of events that are a test, as other kinds of
// adapters/akdb write it.
const attrTest = "xoevtest"

// RefuseTest refuses a question or an answer that is a test in production, as the
// sinks of XÖV messages do.
func RefuseTest(isTest, production bool) error {
	if isTest && production {
		return hub.Permanent("xoev-s999", "a question or an answer that is a test (attribute xoevtest, or test of the message) in production")
	}
	return nil
}

// IsTest tells whether an event has the mark of a test.
func IsTest(e hub.Event) bool { return testMark(e) != "" }

func testMark(e hub.Event) string { return extension(e, attrTest) }

func extension(e hub.Event, name string) string {
	if value, there := e.Extensions()[name]; there {
		return fmt.Sprint(value)
	}
	return ""
}
