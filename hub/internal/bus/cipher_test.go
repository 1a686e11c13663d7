package bus

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// TestStoreKeepsItsCipher: a store stays encrypted as it was begun, whatever a new one gets, and
// also when a key of its settings is damaged; nothing of it is written anew. The key of a block is
// whole in a store of another cipher, too: the server reads such a block.
func TestStoreKeepsItsCipher(t *testing.T) {
	for name, c := range map[string]server.StoreCipher{"ChaCha20": server.ChaCha, "AES": server.AES} {
		t.Run(name, func(t *testing.T) {
			cfg := Embedded{Dir: t.TempDir(), Spare: t.TempDir(), MaxStore: 1 << 30, AllowTemp: true}
			specs := []StreamSpec{
				{Name: Out, Subjects: []string{"out.>"}, MaxBytes: 1 << 20, MaxMsg: 1 << 10, Replicas: 1},
				{Name: Trail, Subjects: []string{"trail.>"}, MaxBytes: 1 << 20, MaxMsg: 1 << 10, Replicas: 1},
			}
			s, b := started(t, cfg, nil)
			if usual := s.opts.JetStreamCipher == server.AES; usual != fastAES() {
				t.Errorf("a new store gets AES: %t; the processor has it: %t", usual, fastAES())
			}
			s.opts.JetStreamCipher = c
			b.Close()
			if err := s.Restart(); err != nil {
				t.Fatal(err)
			}
			b, err := s.Connect(t.Context(), zap.NewNop())
			if err != nil {
				t.Fatal(err)
			}
			if err := b.EnsureStreams(t.Context(), specs); err != nil {
				t.Fatal(err)
			}
			stored := bytes.Repeat([]byte("Klartext "), 20)
			if _, err := b.Publish(t.Context(), event.Message{Subject: "out.a", Data: stored}); err != nil {
				t.Fatal(err)
			}
			if err := s.Spare(); err != nil {
				t.Fatal(err)
			}
			block := filepath.Join(s.streamDir(Out), "msgs", "1.blk")
			before := read(t, block)
			for _, damaged := range [][]string{nil, {Out}, {Out, Trail}} {
				b.Close()
				s.Stop()
				for _, stream := range damaged { // it is found by another stream, or by the spare
					if err := os.WriteFile(filepath.Join(s.streamDir(stream), settingsKey), make([]byte, 72), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				s, b = started(t, cfg, nil)
				if got := s.opts.JetStreamCipher; got != c {
					t.Errorf("with %v damaged it starts with cipher %v, want %v", damaged, got, c)
				}
				m, err := b.Last(t.Context(), Out, "out.a")
				if err != nil || m == nil || !bytes.Equal(m.Data, stored) {
					t.Errorf("with %v damaged it holds %v, %v", damaged, m, err)
				}
			}
			s.opts.JetStreamCipher = server.NoCipher
			if !s.opens(Out, filepath.Join(s.streamDir(Out), "msgs", "1.key")) {
				t.Error("the key of a block is taken for damaged")
			}
			b.Close()
			s.Stop()
			if after := read(t, block); !bytes.Equal(before, after) || bytes.Contains(after, []byte("Klartext")) {
				t.Error("the block was written anew, or holds plain text")
			}
		})
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
