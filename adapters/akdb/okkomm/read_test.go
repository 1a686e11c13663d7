package okkomm_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

func soapFault(code string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>` + code +
		`</faultcode><faultstring>Zaunkönig gibt es nicht</faultstring></s:Fault></s:Body></s:Envelope>`
}

func TestFaults(t *testing.T) {
	for code, blocking := range map[string]bool{
		"s:Client": false, "s:Client.Authentication": false, "Server": true, "soapenv:Server.userException": true, "Zaunkönig": true, "": true,
	} {
		_, err := okkomm.ReadAnswer([]byte(soapFault(code)))
		if err == nil || eai.IsBlocking(err) != blocking || strings.Contains(err.Error(), "Zaunk") {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestUnreadableAnswers(t *testing.T) {
	const open, end = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>`, `</e:Body></e:Envelope>`
	for _, answer := range []string{
		"", "<html/>", open + end, "<!DOCTYPE a><a/>",
		strings.Replace(open, "schemas.xmlsoap.org/soap", "www.w3.org/2003/05/soap-envelope", 1) + end,
		open + `<callApplicationByteResponse><callApplicationByteReturn>?</callApplicationByteReturn></callApplicationByteResponse>` + end,
	} {
		if payload, err := okkomm.ReadAnswer([]byte(answer)); err == nil {
			t.Errorf("%s: read as %q", answer, payload)
		}
	}
}

func zkoc(daten, fehler string) []byte {
	return []byte(`<ZKOCXML><XML_SYSTEM><SYSTEM><ANTWORT><ANT_TYP>DATEN</ANT_TYP>` + fehler +
		`</ANTWORT></SYSTEM></XML_SYSTEM><XML_DATEN><DATEN>` + daten + `</DATEN></XML_DATEN></ZKOCXML>`)
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// xoev.md 6: binary content is OK_KOMM_RAW_BASE64, or a container with messages
// in it or in its attachments.
func TestInhalte(t *testing.T) {
	raw := `<OK_KOMM_RAW_BASE64><![CDATA[` + b64("eins") + `]]></OK_KOMM_RAW_BASE64>`
	container := `<X><OK_KOMM_CONTENTCONTAINER><MESSAGES type="include"><MESSAGE contentType="text/xml">` + b64("zwei") +
		`</MESSAGE><MESSAGE contentType="text/xml" refId="a1"/></MESSAGES><ATTACHMENTS><ATTACHMENT id="a1">` + b64("drei") +
		`</ATTACHMENT></ATTACHMENTS></OK_KOMM_CONTENTCONTAINER></X>`
	a, err := okkomm.ReadAntwort(zkoc(raw+container, "<FEHLER><FEH_TYP/><FEH_TEXT> </FEH_TEXT></FEHLER>"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range a.Inhalte {
		got = append(got, string(c))
	}
	if d := cmp.Diff([]string{"eins", "zwei", "drei"}, got); d != "" {
		t.Error(d)
	}
	a, err = okkomm.ReadAntwort(zkoc(raw+strings.Replace(container, `refId="a1"`, `refId="a2"`, 1), ""))
	if err != nil || len(a.Unlesbar) != 1 || len(a.Inhalte) != 2 {
		t.Error("an attachment that is not there")
	}
	for _, field := range []string{"FEH_TYP", "FEH_TEXT", "FEH_WERT", "FEH_FELD", "SONST"} {
		if _, err := okkomm.ReadAntwort(zkoc("", "<FEHLER><"+field+">Zaunkönig</"+field+"></FEHLER>")); err == nil || strings.Contains(err.Error(), "Zaunk") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(okkomm.WriteAnswer(okkomm.KomService, zkoc("", "")))
	f.Add([]byte(soapFault("Server")))
	f.Fuzz(func(t *testing.T, answer []byte) {
		payload, err := okkomm.ReadAnswer(answer)
		if err != nil {
			return
		}
		again, err := okkomm.ReadAnswer(okkomm.WriteAnswer(okkomm.XoevService, payload))
		if err != nil || string(again) != string(payload) {
			t.Errorf("written and read again: %q, %v, was %q", again, err, payload)
		}
	})
}

func FuzzReadAntwort(f *testing.F) {
	f.Add(zkoc("<OK_KOMM_RAW_BASE64>eA==</OK_KOMM_RAW_BASE64>", ""))
	f.Add(zkoc("", "<FEHLER><FEH_TYP>E</FEH_TYP></FEHLER>"))
	f.Fuzz(func(t *testing.T, document []byte) {
		if a, err := okkomm.ReadAntwort(document); err == nil && a == nil {
			t.Error("neither an answer nor an error")
		}
		if a, err := okkomm.ReadAuskunft(document); err == nil && a.Ergebnisstatus == "" && len(a.Rueckweisung) == 0 {
			t.Error("an empty Auskunft")
		}
	})
}
