package fit

import (
	"bytes"
	"compress/flate"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The algorithms of FIT-Connect; no others are accepted.
const (
	AlgRSAOAEP256 = "RSA-OAEP-256"
	EncA256GCM    = "A256GCM"
	zipDeflate    = "DEF"
)

// What can be wrong with a part. Errors wrap one of these.
var (
	// ErrForm is text that is no JWE in compact serialisation.
	ErrForm = errors.New("is no compact JWE")
	// ErrAlgorithm is a JWE with other algorithms than those of FIT-Connect.
	ErrAlgorithm = errors.New("is not encrypted with RSA-OAEP-256 and A256GCM")
	// ErrNoKey means that none of the keys given has the name in the header: the
	// part may be sound.
	ErrNoKey = errors.New("is encrypted to a key that is not here")
	// ErrDecrypt means that key or content are not what was encrypted.
	ErrDecrypt = errors.New("cannot be decrypted")
	// ErrTooLarge means that the content is larger than allowed.
	ErrTooLarge = errors.New("is larger than allowed")
)

// maxHead bounds what stands before the ciphertext: a header with a chain of
// certificates, and the wrapped key.
const maxHead = 64 << 10

// Header of a JWE, what is used of it.
type Header struct {
	Algorithm   string `json:"alg"`
	Encryption  string `json:"enc"`
	KeyID       string `json:"kid"`
	ContentType string `json:"cty"`
	Zip         string `json:"zip"`
	Critical    any    `json:"crit"`
}

// JWE is an encrypted part, read and not yet decrypted.
type JWE struct {
	Header Header
	// Tag is the fifth part as it stands there: the authentication tag, base64url.
	Tag string

	protected []byte // the first part: additional data
	wrapped   []byte
	nonce     []byte
	tag       []byte
	text      io.ReaderAt // of the ciphertext, base64url
	size      int64
}

var base64url = base64.RawURLEncoding

// ReadJWE reads a compact JWE of size bytes (white space around it is left out).
// r is read again whenever the content is.
func ReadJWE(r io.ReaderAt, size int64) (*JWE, error) {
	head := make([]byte, min(size, maxHead))
	if n, err := r.ReadAt(head, 0); err != nil && (!errors.Is(err, io.EOF) || n != len(head)) {
		return nil, fmt.Errorf("read JWE: %w", err)
	}
	start := int64(len(head) - len(bytes.TrimLeft(head, " \t\r\n")))
	segments := bytes.SplitN(head[start:], []byte("."), 4)
	if len(segments) != 4 {
		return nil, ErrForm
	}
	start += int64(len(segments[0]) + len(segments[1]) + len(segments[2]) + 3)
	end, tag, err := lastSegment(r, start, size)
	if err != nil {
		return nil, err
	}
	j := &JWE{Tag: tag, protected: bytes.Clone(segments[0]), text: io.NewSectionReader(r, start, end-start), size: end - start}
	header, err1 := base64url.DecodeString(string(segments[0]))
	wrapped, err2 := base64url.DecodeString(string(segments[1]))
	nonce, err3 := base64url.DecodeString(string(segments[2]))
	rawTag, err4 := base64url.DecodeString(tag)
	if errors.Join(err1, err2, err3, err4) != nil || len(nonce) != nonceSize || len(rawTag) != tagSize {
		return nil, ErrForm
	}
	j.wrapped, j.nonce, j.tag = wrapped, nonce, rawTag
	return j, j.readHeader(header)
}

// lastSegment finds the tag at the end.
func lastSegment(r io.ReaderAt, start, size int64) (end int64, tag string, err error) {
	const most = 1 << 10 // of tag and white space
	from := max(start-1, size-most)
	tail := make([]byte, max(0, size-from))
	if n, err := r.ReadAt(tail, from); err != nil && (!errors.Is(err, io.EOF) || n != len(tail)) {
		return 0, "", fmt.Errorf("read JWE: %w", err)
	}
	dot := bytes.LastIndexByte(tail, '.')
	if dot < 0 || from+int64(dot) < start {
		return 0, "", ErrForm
	}
	return from + int64(dot), strings.TrimRight(string(tail[dot+1:]), " \t\r\n"), nil
}

func (j *JWE) readHeader(raw []byte) error {
	if err := strictJSON(raw, &j.Header); err != nil {
		return ErrForm
	}
	h := j.Header
	if h.Algorithm != AlgRSAOAEP256 || h.Encryption != EncA256GCM || h.Zip != "" && h.Zip != zipDeflate || h.Critical != nil {
		return ErrAlgorithm
	}
	return nil
}

// Content is the content of a part whose authentication tag was good.
type Content struct {
	j *JWE
	g *gcm
}

// Open unwraps the key and checks the whole ciphertext. Keys of other names than
// the header's are not tried; without a name all are.
func (j *JWE) Open(keys Keyring) (*Content, error) {
	candidates := keys.named(j.Header.KeyID)
	if len(candidates) == 0 {
		return nil, ErrNoKey
	}
	for _, k := range candidates {
		key, err := rsa.DecryptOAEP(sha256.New(), nil, k.Key, j.wrapped, nil)
		if err != nil || len(key) != keySize {
			continue
		}
		g, err := newGCM(key, j.nonce)
		if err != nil {
			return nil, err
		}
		return &Content{j, g}, j.authenticate(g)
	}
	return nil, ErrDecrypt
}

func (j *JWE) ciphertext() io.Reader {
	return base64.NewDecoder(base64url, io.NewSectionReader(j.text, 0, j.size))
}

func (j *JWE) authenticate(g *gcm) error {
	m := g.mac(j.protected)
	n, err := io.Copy(m, j.ciphertext())
	if _, corrupt := errors.AsType[base64.CorruptInputError](err); corrupt || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrForm
	}
	if err != nil {
		return fmt.Errorf("read JWE: %w", err)
	}
	if n > maxContent || subtle.ConstantTimeCompare(m.end(n), j.tag) != 1 {
		return ErrDecrypt
	}
	return nil
}

// Reader gives the content, decompressed where it was compressed; it can be called
// again. More than limit bytes end with ErrTooLarge, however little they were
// compressed to.
func (c *Content) Reader(limit int64) io.Reader {
	var plain io.Reader = &cipher.StreamReader{S: c.g.stream(), R: c.j.ciphertext()}
	if c.j.Header.Zip != "" {
		plain = &inflater{flate.NewReader(plain)}
	}
	return &limited{r: plain, left: limit}
}

// inflater tells damaged compression from other errors.
type inflater struct{ r io.Reader }

func (i *inflater) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	if corrupt || errors.Is(err, io.ErrUnexpectedEOF) {
		err = ErrDecrypt
	}
	return n, err
}

// Limit reads up to limit bytes of r; more end with ErrTooLarge.
func Limit(r io.Reader, limit int64) io.Reader { return &limited{r: r, left: max(limit, 0)} }

// limited reads up to left bytes, and fails when there are more.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if int64(n) > l.left {
		n, l.left = int(l.left), 0
		return n, ErrTooLarge
	}
	l.left -= int64(n)
	return n, err
}

// Decrypt gives the content of a small part, at most limit bytes.
func Decrypt(compact string, keys Keyring, limit int64) ([]byte, *JWE, error) {
	j, err := ReadJWE(strings.NewReader(compact), int64(len(compact)))
	if err != nil {
		return nil, j, err
	}
	c, err := j.Open(keys)
	if err != nil {
		return nil, j, err
	}
	plain, err := io.ReadAll(c.Reader(limit))
	return plain, j, err
}
