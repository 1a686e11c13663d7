package decision

import (
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// DoorRefusal is the record of what was refused at a door and never acknowledged:
// nothing of it was kept. One record stands for all that an application was refused
// for the same reason in a while.
type DoorRefusal struct {
	Application string       `json:"app"` // or Nobody
	Code        refusal.Code `json:"code"`
	Count       uint64       `json:"count"` // events, or requests that held none
	// Digests are SHA-256 in hexadecimal digits of the first of them, each once: as
	// Decision.Digest where the event could be read, of the body otherwise.
	Digests []string  `json:"digests"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// Nobody stands in the place of an application for requests with no credential, or one
// that lets nobody in.
const Nobody = "nobody"

// MaxDigests is how many digests a DoorRefusal holds at most.
const MaxDigests = 16

// Subject is where d is recorded.
func (d *DoorRefusal) Subject() string {
	return "trail." + KindRefused + "." + MailboxName(d.Application) + "." + d.Code.Token()
}
