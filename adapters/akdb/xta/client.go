package xta

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
)

// Config says where the server is and who calls.
type Config struct {
	// The addresses of the three ports; they may be the same.
	ManagementPort, SendPort, BoxPort string
	// Account is who we are, author and reader.
	Account wire.Party
	// MTOM sends messages as MTOM; answers are understood in either form.
	MTOM    bool
	Timeout time.Duration // of one call
	Limits  wire.Limits
	Dir     string // where fetched contents go
	// ShortList asks for the list without metadata.
	ShortList bool
}

type client struct {
	cfg  Config
	http *http.Client
}

var _ Service = (*client)(nil)

// Dial makes a Service for XTA 2 version 3. It does not connect yet. The
// transport is the caller's, also to be closed.
func Dial(cfg Config, transport http.RoundTripper) Service {
	return &client{cfg: cfg, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// request is an envelope of the account's own.
func (c *client) request(action string, body ...wire.Node) wire.Envelope {
	return wire.Envelope{Action: action, Headers: []wire.Node{c.cfg.Account.Node("om:Author")}, Body: body}
}

// command calls an operation whose answer says nothing.
func (c *client) command(ctx context.Context, port string, e wire.Envelope) error {
	m, err := c.call(ctx, port, e)
	if err != nil {
		return err
	}
	m.Close()
	return nil
}

func (c *client) CheckAccountActive(ctx context.Context) error {
	return c.command(ctx, c.cfg.ManagementPort, c.request(wire.CheckAccountActive))
}

func (c *client) Lookup(ctx context.Context, reader wire.Party, service string) (wire.Availability, error) {
	m, err := c.call(ctx, c.cfg.ManagementPort, c.request(wire.LookupService,
		wire.El("xta:LookupServiceRequest", wire.El("xta:LookupServiceRequestList",
			wire.El("xta:LookupService", reader.Node("om:Reader"), wire.Tx("xta:ServiceType", service))))))
	if err != nil {
		return wire.Availability{}, err
	}
	defer m.Close()
	for _, a := range m.Availabilities() {
		if a.Service == service && a.Reader.Kennung == reader.Kennung {
			return a, nil
		}
	}
	return wire.Availability{}, fmt.Errorf("look up service: %w", &wire.FormError{What: "the answer does not name what was asked for"})
}

func (c *client) NewMessageID(ctx context.Context) (string, error) {
	m, err := c.call(ctx, c.cfg.ManagementPort, c.request(wire.CreateMessageID))
	if err != nil {
		return "", err
	}
	defer m.Close()
	id := m.Body.Value("MessageID")
	if id == "" || len(id) > 100 {
		return "", fmt.Errorf("create message id: %w", &wire.FormError{What: "no MessageID of 1 to 100 characters"})
	}
	return id, nil
}

func (c *client) Send(ctx context.Context, m *wire.MetaData, content *wire.Container) error {
	return c.command(ctx, c.cfg.SendPort, wire.Envelope{
		Action: wire.SendMessage, Headers: []wire.Node{m.Node()}, Body: []wire.Node{content.Node()},
	})
}

func (c *client) Report(ctx context.Context, messageID string) (*wire.Report, error) {
	m, err := c.call(ctx, c.cfg.ManagementPort, c.request(wire.GetTransportReport, wire.Tx("wsa:MessageID", messageID)))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return m.Report()
}

func (c *client) Cancel(ctx context.Context, messageID string) error {
	return c.command(ctx, c.cfg.ManagementPort, c.request(wire.CancelMessage, wire.Tx("wsa:MessageID", messageID)))
}

func (c *client) List(ctx context.Context, q Query) (*Page, error) {
	form, most := "MessageMetaData", ""
	if c.cfg.ShortList {
		form = "MsgAtrributes" // so the XSD spells it
	}
	if q.Max > 0 {
		most = strconv.Itoa(q.Max)
	}
	return c.page(ctx, c.request(wire.GetStatusList,
		wire.El("osci:MsgBoxStatusListRequest",
			wire.El("osci:MsgSelector").With("newEntry", strconv.FormatBool(q.NewOnly))).
			With("maxListItems", most, "ListForm", form)))
}

func (c *client) Next(ctx context.Context, p *Page) (*Page, error) {
	if !p.More || p.RequestID == "" {
		return nil, nil
	}
	ids := make([]string, len(p.Entries))
	for i, e := range p.Entries {
		ids[i] = e.MessageID
	}
	next, err := c.page(ctx, c.request(wire.GetNextStatusList, received("osci:MsgBoxGetNextRequest", p.RequestID, ids)))
	if err != nil || len(next.Entries) == 0 {
		return nil, err
	}
	return next, nil
}

func (c *client) page(ctx context.Context, e wire.Envelope) (*Page, error) {
	m, err := c.call(ctx, c.cfg.BoxPort, e)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	box := m.Box()
	return &Page{RequestID: box.RequestID, Entries: m.StatusList(), More: box.Pending > 0}, nil
}

func (c *client) Fetch(ctx context.Context, messageID string) (*Fetched, error) {
	m, err := c.call(ctx, c.cfg.BoxPort, c.request(wire.GetMessage,
		wire.El("osci:MsgBoxFetchRequest", wire.El("osci:MsgSelector", wire.Tx("wsa:MessageID", messageID)))))
	if err != nil {
		return nil, err
	}
	return &Fetched{Message: m, MetaData: m.MetaData(), RequestID: m.Box().RequestID}, nil
}

func (c *client) Close(ctx context.Context, requestID string, messageIDs ...string) error {
	return c.command(ctx, c.cfg.BoxPort, c.request(wire.Close, received("osci:MsgBoxCloseRequest", requestID, messageIDs)))
}

// received is a request about messages that have come.
func received(name, requestID string, ids []string) wire.Node {
	n := wire.El(name)
	n.Attrs = []wire.Attr{{Name: "MsgBoxRequestID", Value: requestID}}
	for _, id := range ids {
		n.Kids = append(n.Kids, wire.Tx("osci:LastMsgReceived", id))
	}
	return n
}
