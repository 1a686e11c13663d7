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
// the server writes all of it anew when it starts. A store that begins gets AES where the
// processor has instructions for it (ADR 24).
func (s *Server) storeCipher() (server.StoreCipher, error) {
	c, err := s.cipherIn(s.opts.StoreDir, "jetstream/*/streams/*/"+settingsKey)
	if err == nil && c == server.NoCipher && s.spare != "" { // its own keys are damaged
		c, err = s.cipherIn(s.spare, "*/"+settingsKey)
	}
	if err != nil || c != server.NoCipher {
		return c, err
	}
	if fastAES() { // there is no store, or none that can be read
		return server.AES, nil
	}
	return server.ChaCha, nil
}

// cipherIn gives the cipher that opens a key of the settings of streams, NoCipher if none does.
func (s *Server) cipherIn(dir, keys string) (server.StoreCipher, error) {
	files, err := fs.Glob(os.DirFS(dir), keys)
	for _, name := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		for _, c := range ciphers {
			if s.opensBy(c, filepath.Base(filepath.Dir(file)), file) {
				return c, nil
			}
		}
	}
	return server.NoCipher, err
}

// ciphers are those that a store can have.
var ciphers = []server.StoreCipher{server.ChaCha, server.AES}

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
