package xmlguard_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// TestLongTexts: a long text is judged the same whether it is wanted or not.
func TestLongTexts(t *testing.T) {
	long := strings.Repeat("Größe 0123456789\r\n", 5_000)
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"plain":               {long, true},
		"references":          {long + "&amp;&#228;" + long + "&lt;", true},
		"elements between":    {long + "<b>" + long + "</b>" + long, true},
		"comment":             {long + "<!-- ]]> & " + long + "-->" + long, true},
		"CDATA":               {long + "<![CDATA[<&" + long + "]]>" + long, true},
		"brackets":            {long + "]x]>]]x>]" + long + "]" + long + "]>", true},
		"end of CDATA":        {long + "]]>", false},
		"end of CDATA, apart": {long + "]" + long + "]>" + long + "]]" + long + ">", true},
		"unknown entity":      {long + "&uuml;" + long, false},
		"bare ampersand":      {long + "& " + long, false},
		"surrogate":           {long + "&#xD800;" + long, false},
		"NUL":                 {long + "\x00" + long, false},
		"not UTF-8":           {long + "\xff" + long, false},
		"instruction":         {long + "<?php ?>", false},
		"end tag of another":  {long + "</c>", false},
	} {
		var verdicts [2]error
		for i, want := range []bool{true, false} {
			doc := "<a>" + c.text + "</a>"
			_, verdicts[i] = xmlguard.Read(strings.NewReader(doc), xmlguard.Limits{}, func(int, *xmlguard.Element) bool { return want })
		}
		if (verdicts[0] == nil) != c.good || !sameCode(verdicts[0], verdicts[1]) {
			t.Errorf("%s: wanted %v, not wanted %v", name, verdicts[0], verdicts[1])
		}
	}
}

func sameCode(a, b error) bool {
	x, isX := errors.AsType[*xmlguard.Error](a)
	y, isY := errors.AsType[*xmlguard.Error](b)
	return isX == isY && (!isX || x.Code == y.Code && x.Line == y.Line)
}

// TestLongTextLimit: what is not kept counts all the same.
func TestLongTextLimit(t *testing.T) {
	doc := "<a>" + strings.Repeat("x", 1<<20) + "</a>"
	for extra, good := range map[int64]bool{0: true, -1: false} {
		_, err := xmlguard.Read(strings.NewReader(doc), xmlguard.Limits{Bytes: int64(len(doc)) + extra}, nil)
		if (err == nil) != good {
			t.Errorf("limit %+d: %v", extra, err)
		}
	}
}

// TestLongTextMemory: a text that nobody wants is not gathered.
func TestLongTextMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := io.MultiReader(strings.NewReader("<a>"), io.LimitReader(letters{}, 8<<20), strings.NewReader("</a>"))
	if _, err := xmlguard.Read(r, xmlguard.Limits{}, nil); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
		t.Errorf("%d bytes were allocated for a text of 8 MB", got)
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
