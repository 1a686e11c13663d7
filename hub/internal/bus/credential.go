package bus

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/amtsbote/amtsbote/hub/internal/bus/accounts"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// LocalCredential is the file in the data directory with the credentials of the one
// local user of the account HUB. Whoever can read it may publish as any application
// and read every stream: it is for who runs the hub.
const LocalCredential = "local.creds"

// secret reads or makes a random secret of 32 bytes, hexadecimal, readable by
// its owner only.
func secret(path string) (string, error) {
	if b, err := os.ReadFile(path); err == nil { //nolint:gosec // our own data directory
		if len(b) < 32 {
			return "", fmt.Errorf("%s is damaged: restore it from your backup, the store cannot be read without it", path)
		}
		return string(b), nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), "jetstream")); err == nil {
		return "", fmt.Errorf("%s is missing, but there is a store: restore the key from your backup, the store cannot be read without it", path)
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	text := hex.EncodeToString(raw)
	return text, accounts.WriteSecret(path, []byte(text))
}

// localRights are those of the local credential: it can publish to in streams,
// read, ask the running hub for acts, and take from mailboxes of mode nats, but not
// change streams, take from mailboxes that the hub hands out, or change the
// consumers that the hub works with.
func localRights(mailboxes MailboxOwners) accounts.LocalRights {
	var api, deny []string
	for _, p := range []string{"$JS.API", "$JS." + Domain + ".API"} {
		for _, verb := range []string{
			"INFO", "STREAM.INFO.>", "STREAM.NAMES", "STREAM.LIST", "STREAM.MSG.GET.>", "DIRECT.GET.>",
			"CONSUMER.CREATE.>", "CONSUMER.INFO.>", "CONSUMER.NAMES.>", "CONSUMER.LIST.>", "CONSUMER.MSG.NEXT.>",
		} {
			api = append(api, p+"."+verb)
		}
		// reading leaves a consumer that is to be removed again; the hub keeps none on
		// these streams
		api = append(api, p+".CONSUMER.DELETE.OBJ_"+blobBucket+".>", p+".CONSUMER.DELETE."+Trail+".>")
		deny = append(deny, p+".CONSUMER.CREATE.*."+workName, p+".CONSUMER.CREATE.*."+workName+".>", p+".CONSUMER.MSG.NEXT.*."+workName)
		for _, m := range mailboxes.All {
			deny = append(deny, p+".CONSUMER.CREATE."+Out+"."+decision.MailboxName(m), p+".CONSUMER.CREATE."+Out+"."+decision.MailboxName(m)+".>")
		}
		for _, m := range mailboxes.Sinks {
			deny = append(deny, p+".CONSUMER.MSG.NEXT."+Out+"."+decision.MailboxName(m))
		}
	}
	for _, m := range mailboxes.Sinks {
		deny = append(deny, "$JS.ACK."+Out+"."+decision.MailboxName(m)+".>")
	}
	return accounts.LocalRights{
		Publish:   append(api, "in.>", controlRoot+">", "$JS.ACK.>", "$JS.FC.>"),
		Deny:      deny,
		Subscribe: []string{"_INBOX.>", "_INBOX_local.>"},
	}
}
