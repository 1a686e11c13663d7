package fit

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

const (
	keySize   = 32 // A256GCM
	nonceSize = 12
	tagSize   = 16
	// maxContent is what GCM may encrypt under one nonce (SP 800-38D, 5.2.1.1).
	maxContent = 1<<36 - 32
)

// gcm is AES-256-GCM over a stream: key stream and hash apart from each other.
type gcm struct {
	block cipher.Block
	aead  cipher.AEAD
	nonce []byte
}

func newGCM(key, nonce []byte) (*gcm, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &gcm{block: block, aead: aead, nonce: nonce}, nil
}

func (g *gcm) counter(n uint32) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, blockSize), g.nonce...), n)
}

// stream is the key stream of the content.
func (g *gcm) stream() cipher.Stream { return cipher.NewCTR(g.block, g.counter(2)) }

// mac takes the ciphertext after the additional data, which it has already.
func (g *gcm) mac(additional []byte) *mac {
	m := &mac{ghash: newGHASH(g.block, g.aead), additional: int64(len(additional))}
	_, _ = m.Write(additional)
	m.pad()
	var first [blockSize]byte
	g.block.Encrypt(first[:], g.counter(1))
	m.first = readElement(first[:])
	return m
}

type mac struct {
	*ghash
	additional int64
	first      element
}

func (m *mac) end(ciphertext int64) []byte {
	tag := m.tag(m.additional, ciphertext, m.first)
	return tag[:]
}
