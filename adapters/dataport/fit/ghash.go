package fit

import (
	"crypto/cipher"
	"encoding/binary"
)

// element is one of GF(2^128) in the bit order of GCM (NIST SP 800-38D, 6.3): the
// first bit is the highest of hi.
type element struct{ hi, lo uint64 }

func readElement(b []byte) element {
	return element{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (x element) bytes() [16]byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], x.hi)
	binary.BigEndian.PutUint64(b[8:], x.lo)
	return b
}

func (x element) plus(y element) element { return element{x.hi ^ y.hi, x.lo ^ y.lo} }

// times multiplies without branches on the values.
func (x element) times(y element) element {
	var z element
	for i := range 128 {
		bit := x.hi >> 63
		x = element{x.hi<<1 | x.lo>>63, x.lo << 1}
		mask := -bit
		z = element{z.hi ^ y.hi&mask, z.lo ^ y.lo&mask}
		if i < 127 {
			carry := -(y.lo & 1)
			y = element{y.hi>>1 ^ carry&(0xe1<<56), y.lo>>1 | y.hi<<63}
		}
	}
	return z
}

// power gives x to the n, n at least 1.
func (x element) power(n int) element {
	out, started := element{}, false
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			if started {
				out = out.times(x)
			} else {
				out, started = x, true
			}
		}
		x = x.times(x)
	}
	return out
}

const (
	blockSize = 16
	// ghashChunk is how much is hashed at a time: blocks to fill the machine's
	// own multiplication, small enough to stay in its cache.
	ghashChunk = 64 << 10
)

// ghash is GHASH (SP 800-38D, 6.4) over data that comes piece by piece. The
// standard library has it only inside of AEAD, which wants all at once; but the
// tag of a piece of additional data alone is that piece's GHASH, times H, plus
// known values, computed by the machine's own instructions. Pieces are joined
// here: sum is H times the GHASH so far.
type ghash struct {
	aead  cipher.AEAD
	h     element
	mask  element // the block that AEAD adds to each tag
	whole element // H to the number of blocks of a chunk
	sum   element

	buf  []byte
	fill int
}

func newGHASH(block cipher.Block, aead cipher.AEAD) *ghash {
	var zero, h, mask [blockSize]byte
	block.Encrypt(h[:], zero[:])
	zero[blockSize-1] = 1 // counter of the nonce of zeros
	block.Encrypt(mask[:], zero[:])
	g := &ghash{aead: aead, h: readElement(h[:]), mask: readElement(mask[:]), buf: make([]byte, ghashChunk)}
	g.whole = g.h.power(ghashChunk / blockSize)
	return g
}

// Write implements io.Writer; it never fails.
func (g *ghash) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		c := copy(g.buf[g.fill:], p)
		g.fill, p = g.fill+c, p[c:]
		if g.fill == len(g.buf) {
			g.flush()
		}
	}
	return n, nil
}

// pad fills the last block with zeros, as GHASH wants between additional data
// and ciphertext, and after that.
func (g *ghash) pad() {
	if g.fill > 0 {
		g.flush()
	}
}

func (g *ghash) flush() {
	piece := g.buf[:g.fill]
	g.fill = 0
	power := g.whole
	if len(piece) != ghashChunk {
		power = g.h.power((len(piece) + blockSize - 1) / blockSize)
	}
	var nonce [12]byte
	tag := g.aead.Seal(nil, nonce[:], nil, piece) // a hash here: it leaves nobody's hands and protects nothing
	length := element{hi: uint64(len(piece)) * 8}.times(g.h)
	g.sum = g.sum.times(power).plus(readElement(tag)).plus(g.mask).plus(length)
}

// tag ends the hash; sizes are those of additional data and ciphertext in bytes,
// first is the encrypted first counter block.
func (g *ghash) tag(additional, ciphertext int64, first element) [16]byte {
	g.pad()
	length := element{uint64(additional) * 8, uint64(ciphertext) * 8} //nolint:gosec // G115: sizes are not negative
	return g.sum.plus(length.times(g.h)).plus(first).bytes()
}
