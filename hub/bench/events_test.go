package bench

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// invalidEvery: one event in so many is refused.
const invalidEvery = 100

// keys is how many matters there are; events of one stay in order.
const keys = 5000

// templates are the payloads that a run repeats.
const templates = 512

// flaw is a way to be invalid.
type flaw struct {
	name, pointer, keyword string
	spoil                  func(payload string) string
}

var flaws = []flaw{
	{"ohne-nummer", "", "required", func(p string) string { return "{" + p[strings.Index(p, ",")+1:] }},
	{"ort-falsch", "/ort/plz", "pattern", func(p string) string { return strings.Replace(p, `"plz":"`, `"plz":"x`, 1) }},
	{"mehr", "", "additionalProperties", func(p string) string { return `{"mehr":1,` + p[1:] }},
}

// flawList is what a schema's invalid.json says of them.
func flawList() string {
	list := map[string]map[string]string{}
	for _, f := range flaws {
		list[f.name+".json"] = map[string]string{"pointer": f.pointer, "keyword": f.keyword}
	}
	raw, _ := json.Marshal(list)
	return string(raw)
}

// payload number i of about size bytes.
func payload(i, size int) string {
	var b strings.Builder
	place := fmt.Sprintf(`{"strasse":"Straße des 17. Juni","hausnummer":"%d","plz":"%05d","ort":"Köln"}`, 1+i%200, 1000+i*37%90000)
	fmt.Fprintf(&b, `{"vorgangsnummer":"AB-2026-%06d","eingang":"2026-11-%02dT08:15:%02dZ","ort":%s,`, i%1000000, 1+i%28, i%60, place)
	fmt.Fprintf(&b, `"betrieb":{"bezeichnung":"Einzelhandel mit Büchern und Schreibwaren","zweig":"%02d.%02d","beschaeftigte":%d,"nebenerwerb":%t,"sitz":%s},"anlagen":[`,
		i%99, i%97, i%500, i%2 == 0, place)
	for k := 0; k == 0 || b.Len() < size-100; k++ {
		if k > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%08x","name":"Anlage %d.pdf","mimetype":"application/pdf","groesse":%d,"sha256":"%064x"}`, i*31+k, k+1, 1000+i*7, i*131+k)
	}
	b.WriteString("]}")
	return b.String()
}

// corpus makes the events of a run and knows what must become of them.
type corpus struct{ bodies [][]byte }

func newCorpus(size int) *corpus {
	c := &corpus{}
	for i := range templates {
		c.bodies = append(c.bodies, []byte(payload(i, size)))
	}
	return c
}

// kind gives the type of event i, by its place in types.
func kind(i int) int { return []int{0, 1, 0, 2}[i%4] }

func invalid(i int) bool { return i%invalidEvery == invalidEvery-1 }

// subjectIn of an event type in the in stream.
func subjectIn(typ string) string { return "in.amt.fach." + typ }

// event number i, as its application publishes it.
func (c *corpus) event(i int) *nats.Msg {
	typ := types[kind(i)]
	body := c.bodies[i%templates]
	if invalid(i) {
		body = c.spoilt(i)
	}
	return &nats.Msg{Subject: subjectIn(typ), Data: body, Header: nats.Header{
		"Content-Type":   {"application/json"},
		"ce-specversion": {"1.0"},
		"ce-id":          {strconv.Itoa(i)},
		"ce-source":      {source(1 + i%sources)},
		"ce-type":        {typ},
		"ce-subject":     {"vorgang-" + strconv.Itoa(i*7919%keys)},
		"ce-time":        {"2026-11-24T08:15:00Z"},
	}}
}

// spoilt gives a payload that its schema refuses, or that is no JSON.
func (c *corpus) spoilt(i int) []byte {
	body := string(c.bodies[i%templates])
	n := i / invalidEvery % (len(flaws) + 1)
	if n == len(flaws) {
		return []byte(body[:len(body)-7])
	}
	return []byte(flaws[n].spoil(body))
}

// expected tells how many copies n events make, and how many are refused. The
// plain system copies the invalid ones too.
func expected(n int, plain bool) (copies, refused int) {
	for i := range n {
		if invalid(i) && !plain {
			refused++
			continue
		}
		copies += copiesOf[kind(i)]
	}
	return copies, refused
}
