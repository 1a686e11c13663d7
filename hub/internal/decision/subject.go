package decision

import (
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Subjects of the trail: trail.decision.<in-stream>.<shard> and
// trail.delivery.<mailbox>.<shard>. The shard comes from the event id, so that
// everything about one id is found by trail.*.*.<shard>, and trail.decision.*.pack.

// Subject is where d is recorded.
func (d *Decision) Subject() string {
	return "trail.decision." + d.In + "." + event.Shard(d.ID)
}

// PackSubject is where many decisions on events of an in stream are recorded at
// once. It stands in the place of the shard; the message's header tells which ids it
// may be about.
func PackSubject(in string) string { return "trail.decision." + in + ".pack" }

// Subject is where d is recorded.
func (d *Delivery) Subject() string {
	return "trail.delivery." + MailboxName(d.Mailbox) + "." + event.Shard(d.ID)
}

// MailboxName is a mailbox's name where dots are not allowed: the durable
// consumer on OUT and the token in subjects.
func MailboxName(application string) string {
	return strings.ReplaceAll(application, ".", "_")
}

// Kind tells what a record at subject is.
func Kind(subject string) string {
	parts := strings.SplitN(subject, ".", 3)
	if len(parts) < 3 || parts[0] != "trail" {
		return ""
	}
	return parts[1]
}

// The kinds of messages in the trail.
const (
	KindDecision = "decision"
	KindDelivery = "delivery"
	KindCursor   = "cursor"
	KindAct      = "act"
	KindRemoval  = "removal"
	KindDamage   = "damage"
	KindRefused  = "refused"
	KindReplay   = "replay"
)
