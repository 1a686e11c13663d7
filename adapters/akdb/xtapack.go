package akdb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/hub"
)

// pack puts the message of an event, and its attachments, into the outbox, and
// reads from the message itself what the server must know of it.
func (x *xtaSink) pack(ctx context.Context, d hub.Delivery) (*consignment, error) {
	c := &consignment{id: d.ID}
	if err := x.contents(ctx, d, c); err != nil {
		x.out.dropFiles(c)
		return nil, err
	}
	m, err := x.readBack(c)
	if err == nil {
		c.Meta, err = x.metaData(m, c, isTest(d.Event))
	}
	if err == nil && !isMessageOf(m.UUID, d.Event) {
		err = hub.Permanent(cannotMap, "the original is not this event's message, or has more than this one case")
	}
	if err != nil {
		x.out.dropFiles(c)
		return nil, err
	}
	c.Files[0].Filename = m.Element + ".xml"
	if c.Files[0].ContentType == zipType {
		c.Files[0].Filename = containerName(m)
	}
	return c, nil
}

// isMessageOf says whether a message with this UUID may stand for the event; one that is
// built may have that of the header. xdomea up to 3.1 has none.
func isMessageOf(id string, e hub.Event) bool {
	return id == "" || id == fileUUID(e) || templates[e.Type()].build != nil && id == headerUUID(e)
}

// containerName is <ProzessID>_<name>.<NNNN>.zip, as xdomea up to 3.1 wants it;
// the root element repeats its group before the name.
func containerName(m *xoev.Message) string {
	parts := strings.Split(m.Element, ".")
	return m.ProcessID + "_" + strings.Join(parts[max(0, len(parts)-2):], ".") + ".zip"
}

const zipType = "application/zip"

// contents writes the files. An event of the generic type is its original and
// cannot be built.
func (x *xtaSink) contents(ctx context.Context, d hub.Delivery, c *consignment) error {
	if d.Event.Type() == typeNachricht {
		return x.passOn(ctx, d, c)
	}
	_, content, err := x.messages.message(ctx, d)
	if err != nil {
		return err
	}
	return x.out.add(c, bytes.NewReader(content), consignedFile{ContentType: xmlOrZip(content)})
}

func xmlOrZip(start []byte) string {
	if xoev.IsContainer(start) {
		return zipType
	}
	return "text/xml"
}

// passOn streams the original and the attachments of a generic event.
func (x *xtaSink) passOn(ctx context.Context, d hub.Delivery, c *consignment) error {
	if isTest(d.Event) && x.messages.production {
		return hub.Permanent(otherwise, "a test message (attribute xoevtest) in production")
	}
	data, err := decodeData[nachricht](d.Event)
	if err != nil {
		return err
	}
	if data.Original == nil || d.Blobs == nil {
		return hub.Permanent(cannotMap, "the event does not disclose its original, and no message can be built from it")
	}
	total := int64(0)
	for n, o := range append([]*xoev.Original{data.Original}, data.Anlagen...) {
		if total += o.Size; total > x.set.MaxBytes {
			return hub.Permanent("too-large", "message and attachments have more than %d bytes", x.set.MaxBytes)
		}
		f := consignedFile{ContentType: o.MediaType, Filename: cleanName(o.Filename)}
		if n == 0 && o.MediaType != zipType {
			f.ContentType = "text/xml"
		}
		if err := x.stream(ctx, d, c, o, f); err != nil {
			return err
		}
	}
	return nil
}

// cleanName leaves out what no header of the transport can carry; the name comes
// from an event, and one that cannot be sent would be tried for ever.
func cleanName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
}

// stream copies a blob into the outbox and sees that it is what the event says.
func (x *xtaSink) stream(ctx context.Context, d hub.Delivery, c *consignment, o *xoev.Original, f consignedFile) error {
	r, err := d.Blobs.Open(ctx, o.Ref)
	if err != nil {
		return fmt.Errorf("read blob: %w", err)
	}
	defer func() { _ = r.Close() }()
	sum := sha256.New()
	if err := x.out.add(c, io.TeeReader(io.LimitReader(r, o.Size+1), sum), f); err != nil {
		return err
	}
	if c.Files[len(c.Files)-1].Size != o.Size || hex.EncodeToString(sum.Sum(nil)) != o.SHA256 {
		return hub.Permanent(cannotMap, "a blob is not what the event says of it")
	}
	return nil
}

func (x *sender) readBack(c *consignment) (*xoev.Message, error) {
	f, err := reopen(x.out.file(c.id, 0)).Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	m, err := xoev.ReadFile(f, xmlguard.Limits{Bytes: x.set.MaxBytes}, nil)
	if err != nil {
		return nil, refusal(err)
	}
	return m, nil
}

// metaData is the order for the transport. Author is the account: for another the
// server would answer 9014, and everything would stop because of one event.
func (x *sender) metaData(m *xoev.Message, c *consignment, test bool) (*wire.MetaData, error) {
	service, known := x.set.Services[m.Number()]
	if !known {
		service, known = x.set.Services["*"]
	}
	switch {
	case m.Dialect == xoev.NoHeader:
		return nil, hub.Permanent(notValid, "%w", xoev.ErrNoHeader)
	case m.IsTest && x.production:
		return nil, hub.Permanent(otherwise, "a test message (attribute test) in production")
	case m.Autor.Kennung != "" && !strings.EqualFold(m.Autor.Kennung, x.set.Account.Kennung):
		return nil, hub.Permanent(cannotMap, "the message's author is not the account's authority")
	case m.Leser.Kennung == "":
		return nil, hub.Permanent(cannotMap, "the message names no reader")
	case !known:
		return nil, hub.Permanent(cannotMap, "no service is set (services) for message %s", plain(m.Number()))
	}
	kopf := m.Kopf()
	list := x.set.typeList(kopf.Standard, kopf.Version)
	meta := &wire.MetaData{
		Test:     m.IsTest || test,
		Delivery: wire.DeliveryAttributes{Origin: xoev.WithZone(m.Created), ServiceQuality: x.set.Quality},
		Author:   x.set.party(),
		Reader:   wire.Party{Type: x.set.Account.Type, Name: m.Leser.Name, Kennung: m.Leser.Kennung},
		Service:  service,
		Scenario: wire.Code{ListURI: x.set.Scenario.List, ListVersion: x.set.Scenario.Version, Code: x.set.Scenario.Code},
		Type:     wire.Code{ListURI: list.URI, ListVersion: list.Version, Code: m.Number(), Name: m.Element}, PayloadSchema: m.Namespace,
		Size: c.Files[0].Size,
	}
	if x.set.TypeCode == codeName {
		meta.Type.Code = m.Element
	}
	return meta, nil
}

// typeLists are the code lists of message types that facts name; settings add to
// them.
var typeLists = map[string]typeList{
	"XMeld":                 {URI: "urn:de:xmeld:schluesseltabelle:xmeld.nachrichten"},
	"XPersonenstand":        {URI: "urn:xoev-de:xpersonenstand:codelist:nachrichtentyp"},
	xmeld.StandardQuittung:  {URI: "urn:de:xinneres:codeliste:nachrichtentyp", Version: "4"},
	"XInneres-Rueckweisung": {URI: "urn:de:xinneres:codeliste:nachrichtentyp", Version: "4"},
}

func (set xtaSettings) typeList(standard, version string) typeList {
	list, known := set.Lists[standard]
	if !known {
		list = typeLists[standard]
	}
	if list.URI == "" {
		list.URI = "urn:xoev-de:" + strings.ToLower(standard) + ":nachrichtentyp" // UNVERIFIED
	}
	if list.Version == "" {
		list.Version = version
	}
	return list
}
