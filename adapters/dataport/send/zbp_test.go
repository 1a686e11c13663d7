package send_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	application = "0f6a7b1c-52a4-4a39-8a52-1f1f3f6a9b10"
	citizen     = "5c1b1a0e-0d5a-4f4e-9a57-0c3e6c1d2f03"
	box         = ", zbp: {zustellpunkt: " + mailbox + ", schluessel: zbp.pem, zertifikat: zbp.crt, leistungen: {'" + leika + "': Hund anmelden}}"
)

// withZBP lays key and certificate of the authority down.
func withZBP(t *testing.T) *service {
	t.Helper()
	s := newService(t)
	k := keys()[2]
	der, err := x509.MarshalPKCS8PrivateKey(k.Key)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "zbp.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	s.write(t, "zbp.crt", asPEM(certificate(t, &k.Key.PublicKey, &authority{key: k}, time.Now().Add(time.Hour))))
	return s
}

// changed is a changed status with further fields.
func changed(further map[string]any) hub.Event {
	data := map[string]any{
		"antrag": map[string]any{"id": "a-1", "leistung": leika}, "status": "rueckfrage", "geaendert": "2026-03-03T12:00:00+01:00", "zeichen": "32-2026/0815",
	}
	for name, value := range further {
		data[name] = value
	}
	return event("de.antrag.status-geaendert.v1", "status", data)
}

// opened checks the envelope's signature, token and certificate, and gives what was
// signed.
func opened(t *testing.T, data string) map[string]any {
	t.Helper()
	var e struct{ Content, Sha512sum, AuthorToken, AuthorCertificate string }
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(e.AuthorCertificate))
	if block == nil {
		t.Fatal("no certificate")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pub, _ := c.PublicKey.(*rsa.PublicKey)
	sum := sha512.Sum512([]byte(e.Content))
	signature, err := base64.StdEncoding.DecodeString(e.Sha512sum)
	if err != nil || rsa.VerifyPKCS1v15(pub, crypto.SHA512, sum[:], signature) != nil {
		t.Error("the signature is wrong", err)
	}
	token, err := jose.ParseSignedCompact(e.AuthorToken, []jose.SignatureAlgorithm{jose.RS512})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := token.Verify(pub)
	var claims struct {
		Iat, Exp int64
		Signer   string
		Roles    []string
	}
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		t.Fatal(err)
	}
	if claims.Exp-claims.Iat != 1800 || claims.Signer != "Stadt Beispiel" || fmt.Sprint(claims.Roles) != "[THIRD_PARTY]" ||
		time.Since(time.Unix(claims.Iat, 0)) > 20*time.Minute {
		t.Errorf("token %+v", claims)
	}
	var content map[string]any
	if err := json.Unmarshal([]byte(e.Content), &content); err != nil {
		t.Fatal(err)
	}
	return content
}

// TestStatus: a changed status goes into the status monitor.
func TestStatus(t *testing.T) {
	t.Parallel()
	s, in := withZBP(t), adaptertest.NewIntake()
	e := changed(map[string]any{"statusmonitor": application})
	valid(t, []hub.Event{e})
	if err := deliver(t, s.sink(t, box), delivery("id", e), 1); err != nil {
		t.Fatal(err)
	}
	id := s.only(t, mailbox)
	m, data, _ := s.received(t, id, keys()[3])
	got := fmt.Sprint(opened(t, data))
	if want := "map[applicationId:" + application + " createdDate:2026-03-03T11:00:00.000Z publicServiceName:map[de:Hund anmelden] reference:32-2026/0815 " +
		"senderName:Stadt Beispiel status:ACTION_REQUIRED statusDetails:map[de:Rückfrage]]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if m.Data.SchemaURI != "https://schema.fitko.de/fit-connect/id.bund.de/message_v6/1.0.0/zbp-message.schema.json" {
		t.Error(m.Data)
	}
	if err := s.Receiver(id, fit.AcceptSubmission, nil, keys()[1]); err != nil {
		t.Fatal(err)
	}
	until(t, s.follow(t, box), in, func() bool { return len(in.Events()) == 4 })
	valid(t, in.Events())
}

// TestMessage: documents and words go into the mailbox, beside the status monitor.
func TestMessage(t *testing.T) {
	t.Parallel()
	s, b := withZBP(t), blobs{}
	e := changed(map[string]any{
		"statusmonitor": application, "rueckkanal": map[string]any{"art": "bundid", "adresse": citizen}, "status": "abgeschlossen",
		"nachricht": map[string]any{"betreff": "Bescheid", "text": "Anbei."},
		"dokumente": []any{map[string]any{"art": "bescheid", "dokument": b.reference("bescheid.pdf", "application/pdf", []byte("%PDF"))}},
	})
	valid(t, []hub.Event{e})
	d := delivery("id", e)
	d.Blobs = b
	for range 2 {
		if err := deliver(t, s.sink(t, box), d, 1); err != nil {
			t.Fatal(err)
		}
	}
	all := s.Waiting(mailbox)
	if len(all) != 2 {
		t.Fatal(all)
	}
	_, data, attachments := s.received(t, all[1], keys()[3])
	sum := sha512.Sum512([]byte("%PDF"))
	want := fmt.Sprintf("map[applicationId:%s attachments:[map[contentLength:4 filename:bescheid.pdf sha512sum:%x]] content:Anbei. mailboxUuid:%s reference:32-2026/0815 "+
		"sender:Stadt Beispiel service:Hund anmelden stork_qaa_level:1 title:Bescheid]", application, sum, citizen)
	if got := fmt.Sprint(opened(t, data)); got != want || len(attachments) != 1 || attachments[0] != "%PDF" {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestMessageAlone: without a status monitor the status comes as a message.
func TestMessageAlone(t *testing.T) {
	t.Parallel()
	s := withZBP(t)
	e := changed(map[string]any{"rueckkanal": map[string]any{"art": "bundid", "adresse": citizen}})
	if err := deliver(t, s.sink(t, box), delivery("id", e), 1); err != nil {
		t.Fatal(err)
	}
	_, data, _ := s.received(t, s.only(t, mailbox), keys()[3])
	if m := opened(t, data); m["title"] != "Hund anmelden: Rückfrage" || m["content"] != "Zu Ihrem Antrag gibt es eine Rückfrage." {
		t.Error(m)
	}
}

// TestNoWay: what does not reach the citizen that way goes to a person.
func TestNoWay(t *testing.T) {
	t.Parallel()
	s := withZBP(t)
	for _, c := range []struct {
		further map[string]any
		code    string
	}{
		{nil, "fit-no-return-channel"},
		{map[string]any{"rueckkanal": map[string]any{"art": "email", "adresse": "a@example.org"}}, "fit-no-return-channel"},
		{map[string]any{"rueckkanal": map[string]any{"art": "bundid", "adresse": "x"}}, "unmappable"},
		{map[string]any{"statusmonitor": "x"}, "unmappable"},
		{map[string]any{"statusmonitor": application, "status": "fertig"}, "unmappable"},
		{map[string]any{"statusmonitor": application, "geaendert": "gestern"}, "unmappable"},
		{map[string]any{"statusmonitor": application, "antrag": map[string]any{"id": "a"}}, "unmappable"},
	} {
		f := hub.FaultOf(s.sink(t, box).Deliver(t.Context(), delivery("id", changed(c.further))))
		if f == nil || !f.Permanent || f.Code != c.code {
			t.Error(c.further, f)
		}
	}
	if len(s.Waiting(mailbox)) != 0 {
		t.Error("something was sent")
	}
}

// TestOldToken: what waited too long is signed anew, and what arrived of an earlier
// try is known all the same.
func TestOldToken(t *testing.T) {
	t.Parallel()
	for _, do := range []fitsim.Effect{"500", fitsim.Lost} {
		s, in := withZBP(t), adaptertest.NewIntake()
		s.order(t, fitsim.Order{On: "put", Do: do})
		d := delivery("id", changed(map[string]any{"statusmonitor": application}))
		if s.sink(t, box).Deliver(t.Context(), d) == nil {
			t.Fatal("Deliver has not failed")
		}
		record := filepath.Join(s.dir, "fit", "out", "id.json")
		raw, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, _ := strings.Cut(string(raw), `"sealed":"`)
		_, rest, _ = strings.Cut(rest, `"`)
		s.write(t, "fit/out/id.json", []byte(before+`"sealed":"2026-01-01T00:00:00Z"`+rest))
		if err := deliver(t, s.sink(t, box), d, 1); err != nil {
			t.Fatal(err)
		}
		id := s.only(t, mailbox)
		if _, data, _ := s.received(t, id, keys()[3]); len(opened(t, data)) == 0 {
			t.Error("nothing was signed")
		}
		if err := s.Receiver(id, fit.AcceptSubmission, nil, keys()[1]); err != nil {
			t.Fatal(err)
		}
		until(t, s.follow(t, box), in, func() bool { return len(in.Events()) == 4 })
		if got := types(in.Events()); got[3] != "zugestellt" {
			t.Error(got)
		}
	}
}

// TestStatusCrashes lets the process die at every step of a status that becomes an
// entry and a message: in the end the ZBP has one of each.
func TestStatusCrashes(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		s, b := withZBP(t), blobs{}
		d := delivery("id", changed(map[string]any{
			"statusmonitor": application, "rueckkanal": map[string]any{"art": "bundid", "adresse": citizen},
			"dokumente": []any{map[string]any{"art": "bescheid", "dokument": b.reference("bescheid.pdf", "application/pdf", []byte("%PDF"))}},
		}))
		d.Blobs = b
		ctx, end := context.WithCancel(t.Context())
		l := &life{left: n, end: end}
		s.wrap(l.around)
		err := s.sink(t, box).Deliver(ctx, d)
		died := l.dead()
		end()
		s.wrap(nil)
		if died == (err == nil) {
			t.Fatalf("step %d: died %v, and Deliver gave %v", n, died, err)
		}
		for range 2 {
			if err := deliver(t, s.sink(t, box), d, 1); err != nil {
				t.Fatalf("step %d: after a restart: %v", n, err)
			}
		}
		var statuses, messages int
		for _, id := range s.Waiting(mailbox) {
			_, data, _ := s.received(t, id, keys()[3])
			if m := opened(t, data); m["status"] != nil {
				statuses++
			} else if m["mailboxUuid"] == citizen {
				messages++
			}
		}
		if statuses != 1 || messages != 1 {
			t.Errorf("step %d: %d entries and %d messages", n, statuses, messages)
		}
		if !died {
			if n < 20 {
				t.Errorf("there were only %d steps", n)
			}
			return
		}
	}
}
