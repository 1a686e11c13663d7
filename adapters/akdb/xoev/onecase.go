package xoev

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
)

// OneCase makes of a message with several cases one with the number-th alone
// (from 1): every element that belongs to other cases is cut out, all else stays
// byte for byte, and the nachrichtenUUID becomes uuid, since it is another
// message. content must have passed Read.
func OneCase(content []byte, number int, uuid string) ([]byte, error) {
	c := &cases{dec: xml.NewDecoder(bytes.NewReader(content))}
	for {
		before := c.dec.InputOffset()
		token, err := c.dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
		c.take(token, before)
	}
	if number < 1 || number > c.count || c.uuid.end == 0 {
		return nil, errors.New("the message has no such case, or no nachrichtenUUID")
	}
	return c.without(content, number, uuid), nil
}

// span is a part of the document and the cases in it.
type span struct {
	start, end  int64
	first, last int // numbers of the first and last case within; 0: none
	parent      int
	local       string
}

func (s span) has(number int) bool { return s.first != 0 && s.first <= number && number <= s.last }

type cases struct {
	dec   *xml.Decoder
	spans []span
	open  []int // indexes into spans
	count int
	uuid  span // the text of the message's own nachrichtenUUID
}

func (c *cases) take(token xml.Token, before int64) {
	switch t := token.(type) {
	case xml.StartElement:
		parent := -1
		if len(c.open) > 0 {
			parent = c.open[len(c.open)-1]
		}
		c.open = append(c.open, len(c.spans))
		c.spans = append(c.spans, span{start: before, parent: parent, local: t.Name.Local})
		if c.isUUID() {
			c.uuid.start = c.dec.InputOffset()
		}
		if t.Name.Local == ereignisName && !c.inCase() {
			c.mark()
		}
	case xml.EndElement:
		if c.isUUID() {
			c.uuid.end = before
		}
		last := c.open[len(c.open)-1]
		c.open = c.open[:len(c.open)-1]
		c.spans[last].end = c.dec.InputOffset()
	}
}

// mark notes a new case in every element that is open.
func (c *cases) mark() {
	c.count++
	for _, i := range c.open {
		if c.spans[i].first == 0 {
			c.spans[i].first = c.count
		}
		c.spans[i].last = c.count
	}
}

// inCase says whether a case's own name is open already: within it none is
// counted, as Read does.
func (c *cases) inCase() bool {
	return slices.ContainsFunc(c.open[:len(c.open)-1], func(i int) bool { return c.spans[i].local == ereignisName })
}

// isUUID says whether the innermost open element is the nachrichtenUUID of the
// header.
func (c *cases) isUUID() bool {
	if len(c.open) != 4 || c.uuid.end != 0 {
		return false
	}
	names := make([]string, 0, 3)
	for _, i := range c.open[2:] {
		names = append(names, c.spans[i].local)
	}
	return slices.Equal(names, []string{"identifikation.nachricht", "nachrichtenUUID"})
}

// without leaves out the largest elements that have cases and not this one.
func (c *cases) without(content []byte, number int, uuid string) []byte {
	var out bytes.Buffer
	at := int64(0)
	replace := func(s span, with string) {
		out.Write(content[at:s.start])
		out.WriteString(with)
		at = s.end
	}
	for _, s := range c.spans { // in the order of their start tags
		switch {
		case s.start < at:
		case s.local == "nachrichtenUUID" && s.start < c.uuid.start && c.uuid.end < s.end:
			replace(c.uuid, uuid)
		case s.first != 0 && !s.has(number) && s.parent >= 0 && c.spans[s.parent].has(number):
			replace(s, "")
		}
	}
	out.Write(content[at:])
	return out.Bytes()
}
