package akdb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// uuidFolder is where, below dir, is remembered which data a header's UUID was given to.
const uuidFolder = "uuid"

// headerUUID is the nachrichtenUUID that the event's data give the message to be built,
// so that answers, which name it, come back to it; "" when there is none. That of an
// event that was a message is another message's, and none here: XÖV wants one for each.
func headerUUID(e hub.Event) string {
	var held struct {
		Kopf struct {
			UUID string `json:"nachrichtenUUID"`
		} `json:"kopf"`
	}
	if extension(e, attrMsgType) != "" || json.Unmarshal(e.Data(), &held) != nil {
		return ""
	}
	id := strings.ToLower(held.Kopf.UUID)
	if !uuidForm.MatchString(id) || strings.HasPrefix(strings.ToLower(e.ID()), id+".") { // one of its cases
		return ""
	}
	return id
}

// buildOnce builds the message, the same in every attempt, under the UUID of the header,
// unless other data have had it, else under that of the file. The receiver takes each
// UUID once: a second message under it would be lost.
func (t template) buildOnce(ctx context.Context, s *sink, d hub.Delivery) ([]byte, error) {
	one := *s
	one.uuid = headerUUID(d.Event)
	content, err := t.build(ctx, &one, d)
	if err != nil || one.uuid == "" || one.uuid == fileUUID(d.Event) {
		return content, err
	}
	digest, err := digestOf(d.Event)
	if err != nil {
		return nil, err
	}
	first, err := firstUnder(s.uuids, one.uuid, digest)
	if err != nil {
		return nil, fmt.Errorf("remember nachrichtenUUID: %w", err)
	}
	if first {
		return content, nil
	}
	s.log.Warn("the nachrichtenUUID of the header was given to other data before: the message gets one of its own",
		zap.String("event", d.Event.ID()), zap.String("nachrichtenUUID", one.uuid))
	return t.build(ctx, s, d)
}

// digestOf is that of the event's type and data, whatever original they came from.
func digestOf(e hub.Event) (string, error) {
	data, err := decodeData[map[string]json.RawMessage](e)
	if err != nil {
		return "", err
	}
	delete(*data, "original")
	raw, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("write event data: %w", err)
	}
	sum := sha256.Sum256(append([]byte(e.Type()+"\n"), raw...))
	return hex.EncodeToString(sum[:]), nil
}

// firstUnder says whether the UUID is free or was given to these data. It is given
// before the message leaves, and on disk.
func firstUnder(dir, id, digest string) (bool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	temp, err := os.CreateTemp(dir, ".neu-*")
	if err != nil {
		return false, err
	}
	_, err = temp.WriteString(digest)
	err = errors.Join(err, temp.Sync(), temp.Close())
	path := filepath.Join(dir, id)
	if err == nil {
		err = os.Link(temp.Name(), path) // whole, or not at all
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err = errors.Join(err, os.Remove(temp.Name())); err != nil {
		return false, err
	}
	held, err := os.ReadFile(path) //nolint:gosec // named by a UUID
	return bytes.Equal(held, []byte(digest)), errors.Join(err, dropfolder.SyncDir(dir))
}
