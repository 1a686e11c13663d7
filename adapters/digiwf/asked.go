package digiwf

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// asked is a record of the integration's topic as far as it could be read.
type asked struct {
	rec      *kgo.Record
	position string        // cluster, topic, partition, offset and time
	request  *request      // nil when its type is not known
	instance string        // of the process, "" when there is none that fits
	message  string        // that the process waits for
	echo     []wire.Header // what an answer repeats
	gen      int
}

// Bounds of a record's headers; DigiWF's own have half a dozen.
const (
	maxHeaders     = 100
	maxHeaderBytes = 64 << 10
)

// Why a record becomes no event.
const (
	codeHeaders  = "bad-headers"
	codeType     = "unknown-type"
	codeInstance = "no-instance"
	codeTooLarge = "too-large"
	codeNotJSON  = "not-json"
	codeEnvelope = "bad-envelope"
)

// ask reads a record's headers. With a fault, asked has what could be read: whom to
// tell.
func (set *settings) ask(cluster string, rec *kgo.Record) (*asked, error) {
	a := &asked{rec: rec, position: position(cluster, rec), gen: 1}
	if bytes := headerBytes(rec); len(rec.Headers) > maxHeaders || bytes > maxHeaderBytes {
		return a, hub.Permanent(codeHeaders, "the record has %d headers of %d bytes, more than %d or of %d", len(rec.Headers), bytes, maxHeaders, maxHeaderBytes)
	}
	n := set.Headers
	a.echo, a.gen = n.Echo(rec.Headers), set.generation(rec)
	if instance, _ := wire.Get(rec.Headers, n.Instance); wire.IsCorrelation(instance) {
		a.instance = instance
	}
	typ, _ := wire.Get(rec.Headers, n.Type)
	a.request = set.request(typ)
	a.message = set.messageOf(a)
	switch {
	case a.request == nil:
		return a, hub.Permanent(codeType, "the header %s is missing, or no request is set up for its value", n.Type)
	case a.instance == "" && a.request.Reply != replyNone:
		return a, hub.Permanent(codeInstance, "the header %s is missing or no id of a process instance: nobody could be answered", n.Instance)
	case len(rec.Value) > set.MaxBytes:
		return a, hub.Permanent(codeTooLarge, "the value has %d bytes, more than max-bytes", len(rec.Value))
	}
	return a, nil
}

func headerBytes(rec *kgo.Record) int {
	total := 0
	for _, h := range rec.Headers {
		total += len(h.Key) + len(h.Value)
	}
	return total
}

func (set *settings) generation(rec *kgo.Record) int {
	switch set.Integration.Generation {
	case "1":
		return 1
	case "2":
		return 2
	}
	return set.Headers.Generation(rec.Headers)
}

func (set *settings) request(typ string) *request {
	for i := range set.Integration.Requests {
		if r := &set.Integration.Requests[i]; strings.EqualFold(r.Type, typ) {
			return r
		}
	}
	return nil
}

// messageOf is the name that the process waits for: the header of generation 1, else
// what is set, else the integration's name.
func (set *settings) messageOf(a *asked) string {
	if name, _ := wire.Get(a.rec.Headers, set.Headers.Message); name != "" {
		return name
	}
	if a.request != nil && a.request.Message != "" {
		return a.request.Message
	}
	name, _ := wire.Get(a.rec.Headers, set.Headers.Integration)
	return name
}

// position names a record for good. Its time is in it, since a topic that was made
// anew counts from 0 again.
func position(cluster string, rec *kgo.Record) string {
	return fmt.Sprintf("kafka|%s|%s|%d|%d|%d", cluster, rec.Topic, rec.Partition, rec.Offset, rec.Timestamp.UnixMilli())
}

// eventID is a UUID of version 5 over what tells records apart.
func eventID(a *asked) string {
	name := a.position
	switch {
	case a.request.ID == "key" && len(a.rec.Key) > 0:
		name = joined("key", a.rec.Topic, a.request.Type, string(a.rec.Key))
	case a.request.ID == "content":
		name = joined("content", a.rec.Topic, a.request.Type, a.instance, a.message, string(a.rec.Value))
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
}

// joined puts texts together, each with its length: no two lists give the same.
func joined(parts ...string) string {
	var out strings.Builder
	out.WriteString("digiwf")
	for _, part := range parts {
		fmt.Fprintf(&out, "|%d:%s", len(part), part)
	}
	return out.String()
}
