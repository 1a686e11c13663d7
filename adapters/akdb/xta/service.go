package xta

import (
	"context"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
)

// Service is an XTA server as seen by one account. Its methods may be called
// concurrently.
//
// Errors: a *wire.Fault is the server's answer, its Class says what follows.
// Any other error means that the answer is not known: network, time, HTTP
// status, an answer that is none of XTA (*wire.FormError, *xmlguard.Error) or
// too large (wire.ErrTooLarge). No error's text holds anything of a message.
type Service interface {
	// CheckAccountActive returns nil when the account may be used.
	CheckAccountActive(ctx context.Context) error
	// Lookup asks whether a reader offers a service of DVDV.
	Lookup(ctx context.Context, reader wire.Party, service string) (wire.Availability, error)

	// NewMessageID has the server make the id under which a message is sent.
	NewMessageID(ctx context.Context) (string, error)
	// Send gives a message to the server. Sending again under the same MessageID
	// is a fault of class Taken once the server has it.
	Send(ctx context.Context, m *wire.MetaData, c *wire.Container) error
	// Report tells what became of a message that was sent.
	Report(ctx context.Context, messageID string) (*wire.Report, error)
	// Cancel withdraws a message that has a NotBefore which is not reached.
	Cancel(ctx context.Context, messageID string) error

	// List gives the first page of the box.
	List(ctx context.Context, q Query) (*Page, error)
	// Next gives the page after p; nil when there is none.
	Next(ctx context.Context, p *Page) (*Page, error)
	// Fetch gets one message. The server keeps it until Close. The caller closes
	// the message.
	Fetch(ctx context.Context, messageID string) (*Fetched, error)
	// Close tells the server that messages have arrived; it gives them up then.
	// requestID is that of the page or of the fetched message, as the server wants.
	Close(ctx context.Context, requestID string, messageIDs ...string) error
}

// Query says what List asks for.
type Query struct {
	// NewOnly leaves out what was fetched before, as the server counts it.
	NewOnly bool
	// Max entries on a page; 0 leaves it to the server.
	Max int
}

// Page is a part of a box's list.
type Page struct {
	RequestID string
	Entries   []wire.Entry
	// More says that there are further pages.
	More bool
}

// Fetched is a message with its metadata, nil if the server sent none.
type Fetched struct {
	*wire.Message
	MetaData  *wire.MetaData
	RequestID string
}
