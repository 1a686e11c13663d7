package bus

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// LocalCredential is the file in the data directory that holds the nkey seed of
// the one local user. Whoever can read it may publish as any application and
// read every stream: it stands in until organisations have accounts.
const LocalCredential = "local.nk"

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
	return text, writeSecret(path, []byte(text))
}

// localUser reads or makes the local credential.
func localUser(dir string) (nkeys.KeyPair, error) {
	path := filepath.Join(dir, LocalCredential)
	seed, err := os.ReadFile(path) //nolint:gosec // our own data directory
	if errors.Is(err, fs.ErrNotExist) {
		kp, err := nkeys.CreateUser()
		if err != nil {
			return nil, fmt.Errorf("make the local credential: %w", err)
		}
		if seed, err = kp.Seed(); err != nil {
			return nil, err
		}
		return kp, writeSecret(path, append(seed, '\n'))
	}
	if err != nil {
		return nil, fmt.Errorf("read the local credential: %w", err)
	}
	kp, err := nkeys.ParseDecoratedNKey(seed)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: remove it, a new one is made at the next start: %w", path, err)
	}
	return kp, nil
}

// writeSecret writes, syncs and only then gives the file its name.
func writeSecret(path string, content []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // our own data directory
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // our own data directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// users are the two that may connect: the hub itself, and the local
// credential, which can publish to in streams, read, ask the running hub for
// acts, and take from mailboxes of mode nats, but not change streams, take from mailboxes that the hub hands
// out, or change the consumers that the hub works with.
func users(own, local nkeys.KeyPair, mailboxes MailboxOwners) ([]*server.NkeyUser, error) {
	ownKey, err := own.PublicKey()
	if err != nil {
		return nil, err
	}
	localKey, err := local.PublicKey()
	if err != nil {
		return nil, err
	}
	return []*server.NkeyUser{{Nkey: ownKey}, {Nkey: localKey, Permissions: localPermissions(mailboxes)}}, nil
}

func localPermissions(mailboxes MailboxOwners) *server.Permissions {
	var api, deny []string
	for _, p := range []string{"$JS.API", "$JS." + Domain + ".API"} {
		for _, verb := range []string{
			"INFO", "STREAM.INFO.>", "STREAM.NAMES", "STREAM.LIST", "STREAM.MSG.GET.>", "DIRECT.GET.>",
			"CONSUMER.CREATE.>", "CONSUMER.INFO.>", "CONSUMER.NAMES.>", "CONSUMER.LIST.>", "CONSUMER.MSG.NEXT.>",
		} {
			api = append(api, p+"."+verb)
		}
		// reading an object leaves a consumer that is to be removed again
		api = append(api, p+".CONSUMER.DELETE.OBJ_"+blobBucket+".>")
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
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: append(api, "in.>", controlRoot+">", "$JS.ACK.>", "$JS.FC.>"), Deny: deny},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>", "_INBOX_local.>"}},
	}
}
