package bus

import (
	"crypto/aes"
	"crypto/cipher"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/sys/cpu"
)

// storeCipher gives the cipher of the store: that which it was begun with, since with another one
// the server writes all of it anew when it starts, unsynced. A store that begins gets AES where
// the processor has instructions for it (ADR 24).
func (s *Server) storeCipher() (server.StoreCipher, error) {
	for dir, pattern := range map[string]string{s.opts.StoreDir: "jetstream/*/streams/*/" + settingsKey, s.spare: "*/" + settingsKey} {
		if dir == "" {
			continue
		}
		keys, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil {
			return 0, err
		}
		for _, key := range keys {
			file := filepath.Join(dir, filepath.FromSlash(key))
			for _, c := range []server.StoreCipher{server.ChaCha, server.AES} {
				if s.opensBy(c, filepath.Base(filepath.Dir(file)), file) {
					return c, nil
				}
			}
		}
	}
	if fastAES() { // there is no store, or none that can be read
		return server.AES, nil
	}
	return server.ChaCha, nil
}

// fastAES tells whether the processor has instructions for AES.
func fastAES() bool { return cpu.X86.HasAES || cpu.ARM64.HasAES }

// sealer is what the server seals keys with; the nonce stands before what is sealed (nats-server
// 2.15.2, server/filestore.go, genEncryptionKey).
func sealer(c server.StoreCipher, key []byte) (cipher.AEAD, error) {
	if c == server.ChaCha {
		return chacha20poly1305.NewX(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithNonceSize(block, block.BlockSize())
}
