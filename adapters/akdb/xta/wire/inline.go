package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// inline reads an envelope and takes the large contents that stand in it as
// base64 out, into files, leaving an Include (XOP 1.0) in the place of each. So a
// plain envelope is small, as one of MTOM is, before anybody parses it. It knows
// just enough of XML to find start tags; whether the envelope is well-formed is
// decided by who parses the rest.
type inline struct {
	r     *bufio.Reader
	spool *spool
	out   bytes.Buffer // read from r, not yet handed out
	taken int          // contents
	into  *part        // within a content that is taken out: where it goes, else nil

	until string // within a comment, CDATA or an instruction: what ends it
	tail  []byte // the last bytes of it
	tag   bool   // within a tag
	quote byte   // within an attribute's value: what ends it
	name  []byte // of the tag
	named bool   // the name is over
	last  byte   // of the tag, before the one being read
}

const (
	// spillFrom is from how many characters on a content goes to a file at once.
	spillFrom = 8 << 10
	longName  = 256
)

// contents are the elements, in whatever namespace, whose text is base64: those
// of XTA's container, and that of one that is encrypted.
var contents = []string{"Message", "Attachment", "CipherValue"}

func newInline(r io.Reader, s *spool) *inline {
	return &inline{r: bufio.NewReaderSize(r, 4*spillFrom), spool: s}
}

// Read implements io.Reader.
func (f *inline) Read(p []byte) (int, error) {
	for f.out.Len() < len(p) && f.out.Len() < spillFrom {
		b, err := f.r.ReadByte()
		if err != nil && f.out.Len() > 0 {
			break // comes again with the next call
		}
		if err != nil {
			return 0, err
		}
		if err := f.take(b); err != nil {
			return 0, err
		}
	}
	return f.out.Read(p)
}

// take puts one byte out and notes where in the document it stands.
func (f *inline) take(b byte) error {
	f.out.WriteByte(b)
	switch {
	case f.until != "":
		f.within(b)
		if f.until == "" && f.into != nil {
			return f.text()
		}
	case f.quote != 0:
		if b == f.quote {
			f.quote = 0
		}
	case f.tag:
		return f.inTag(b)
	case b == '<':
		return f.open()
	}
	return nil
}

func (f *inline) within(b byte) {
	if f.tail = append(f.tail, b); len(f.tail) > len(f.until) {
		f.tail = f.tail[1:]
	}
	if string(f.tail) == f.until {
		f.until = ""
	}
}

// open looks at what follows a "<".
func (f *inline) open() error {
	f.tag, f.named, f.last, f.name = true, false, 0, f.name[:0]
	ahead, _ := f.r.Peek(len("![CDATA["))
	for mark, end := range map[string]string{"!--": "-->", "![CDATA[": "]]>", "?": "?>"} {
		if bytes.HasPrefix(ahead, []byte(mark)) {
			f.tag, f.until, f.tail = false, end, nil
			_, err := io.CopyN(&f.out, f.r, int64(len(mark)))
			return err
		}
	}
	f.into = nil
	return nil
}

func (f *inline) inTag(b byte) error {
	last := f.last
	f.last = b
	switch {
	case b == '"' || b == '\'':
		f.quote = b
	case b == '>':
		f.tag = false
		if last != '/' && f.isContent() {
			return f.content()
		}
	case b == ' ' || b == '\t' || b == '\r' || b == '\n' || b == '/' && len(f.name) > 0:
		f.named = true
	case !f.named && len(f.name) < longName:
		f.name = append(f.name, b)
	}
	return nil
}

func (f *inline) isContent() bool {
	_, local, prefixed := strings.Cut(string(f.name), ":")
	if !prefixed {
		local = string(f.name)
	}
	return !bytes.HasPrefix(f.name, []byte("/")) && slices.Contains(contents, local)
}

// content begins to take a content out when it is long. It goes to the file as it
// stands: should it be no base64, nothing of it is lost.
func (f *inline) content() error {
	if ahead, _ := f.r.Peek(spillFrom); !leaves(ahead) {
		return nil
	}
	if f.taken++; f.taken > f.spool.limits.Parts {
		return formError("more than %d contents", f.spool.limits.Parts)
	}
	p, err := f.spool.newPart()
	if err != nil {
		return err
	}
	p.encoded, f.into = true, p
	id := fmt.Sprintf("%d.%s@inline", f.taken, uuid.NewString()) // nobody else can refer to it
	f.spool.parts[id] = p
	fmt.Fprintf(&f.out, `<xop:Include xmlns:xop="%s" href="cid:%s"/>`, nsXOP, id)
	return f.text()
}

// leaves says whether what begins so is taken out: it is long, or a comment or
// CDATA comes before it can be seen that it is not.
func leaves(ahead []byte) bool {
	i := bytes.IndexByte(ahead, '<')
	if i < 0 {
		return len(ahead) == spillFrom
	}
	return bytes.HasPrefix(ahead[i:], []byte("<!")) || i == len(ahead)-1 && len(ahead) == spillFrom
}

const (
	cdataStart = "<![CDATA["
	cdataEnd   = "]]>"
)

// text takes out the text up to a "<" that begins something else than CDATA, whose
// marks stay where they stand. After a comment it goes on.
func (f *inline) text() error {
	stop, mark := byte('<'), cdataStart
	for {
		_, err := f.r.Peek(1)
		if errors.Is(err, io.EOF) {
			return nil // who parses the envelope sees that it ends too early
		}
		if err != nil {
			return err
		}
		ahead, _ := f.r.Peek(f.r.Buffered())
		if i := bytes.IndexByte(ahead, stop); i >= 0 {
			ahead = ahead[:i]
		}
		if len(ahead) == 0 {
			ahead, _ = f.r.Peek(len(mark))
			switch {
			case string(ahead) == mark && mark == cdataStart:
				stop, mark = ']', cdataEnd
			case string(ahead) == mark:
				stop, mark = '<', cdataStart
			case mark == cdataEnd:
				ahead = ahead[:1]
			default:
				return nil
			}
		}
		if err := f.put(ahead); err != nil {
			return err
		}
	}
}

// put moves what is at hand to the content's file.
func (f *inline) put(text []byte) error {
	n, err := f.into.file.Write(text)
	f.into.size += int64(n)
	if err != nil {
		return fmt.Errorf("keep part of message: %w", err)
	}
	_, err = f.r.Discard(n)
	return err
}
