package accepter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// defaultPairs keeps the ordinary run short; AMTSBOTE_PAIRS asks for more.
const defaultPairs = 20_000

// TestRandomPairs makes schemas of the keywords that are understood, and a few
// that are not, with small domains so that limits are met, and instances that
// follow them more or less, some with bytes changed.
func TestRandomPairs(t *testing.T) {
	pairs, each := defaultPairs, 200
	if n, err := strconv.Atoi(os.Getenv("AMTSBOTE_PAIRS")); err == nil {
		pairs = n
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := &maker{rand.New(rand.NewPCG(seed, 1))}
	done, accepted, looked, missed := 0, 0, 0, 0
	for done < pairs {
		schema := g.schema(3)
		raw, err := json.Marshal(schema)
		if err != nil {
			t.Fatal(err)
		}
		decoded := tree(raw)
		o, err := newOracle(raw, jsonschema.Draft2020)
		if err != nil {
			t.Fatalf("v5 does not compile %s: %v", raw, err)
		}
		a := Compile(decoded)
		for i := range each {
			data := g.instance(decoded)
			switch yes := hold(t, raw, a, o, data); {
			case yes:
				accepted++
			case i%20 == 0 && o.accepts(data): // a sample of what was missed
				missed++
			}
			if i%20 == 0 {
				looked++
			}
			done++
		}
	}
	t.Logf("%d pairs, %d accepted; of %d looked at, %d valid ones were missed", done, accepted, looked, missed)
	if accepted*10 < done {
		t.Errorf("only %d of %d accepted: the pairs prove little", accepted, done)
	}
}

type maker struct{ *rand.Rand }

func pick[T any](g *maker, list ...T) T { return list[g.IntN(len(list))] }

func (g *maker) one(of int) bool { return g.IntN(of) == 0 }

var (
	someTexts = []string{
		"", "a", "ab", "abc", "abcd", "ä", "aé€", "😀", "a\nb", "\"", "0", "12", "123", "12a", "A", "x-1", "\u0000", "\ufffd",
		"2026-02-28", "2026-02-29", "2024-02-29", "2024-02-30", "1900-02-29", "2000-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-2-1", "0000-01-01", "2026-02-28 ",
		"2026-02-28T12:00:00Z", "2026-02-28T24:00:00Z", "2026-02-28T23:59:60Z", "2026-02-28T12:60:00Z", "2026-02-28T12:00:00.5+01:00",
		"2026-02-28T12:00:00.+01:00", "2026-02-28t12:00:00z", "2026-02-28T12:00:00+24:00", "2026-02-28T12:00:00", "2026-02-30T12:00:00Z",
		"123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-42661417400g", "123E4567-E89B-12D3-A456-426614174000",
		"0123456789abcdef", "0123456789abcdeF", "01234567890123456789", "ABCDEFGHijkl-0123", "abcdefgh", "abcdefg\"", "abcdefgä", "a.b.c.d.e.f.0123456789.",
		"urn:x:1", "http://[", "a@b.de", "a@", "/a~0b", "/a~", "P1D", "127.0.0.1", "::1",
	}
	someNumbers = []string{
		"0", "1", "2", "3", "10", "-1", "-0", "0.0", "1.0", "1.00000001", "1.5", "0.1", "0.3", "2.5", "-2.5", "1e0", "1E+2", "1e-1", "15e-1",
		"99999999999", "100000000000", "-100000000000", "12345678901234567890", "0.0000001", "0.00000001", "9007199254740993", "1.0000000000",
		"1e400", "100000000000000000000.0", "99999999999.9999999", "-99999999999.9999999",
	}
	somePatterns = []string{
		"^[0-9]{2}$", "^[a-z]+$", "^a", "b$", "^a?b*c{1,2}$", "^[^:\\s]{1,3}$", "^(a|b)+$", "^.{1,2}$", "^(?i)ab$", "^[äA-Z]{1}$", "^$", "a|b",
		"^x-[0-9]$", "^[a-c]*c$", "^\\d+\\w*$", "^ab?$\\n?", "^a[0-9]b", "^1[0-9]a$|",
		"^[0-9a-f]{8,32}$", "^[A-Za-z0-9]+-[0-9]{3,}$", "^[ -~]{8,}$", "^[^\"\\\\]{8,9}$", "^[a-z.]*[0-9a-f]+$", "^[!#-\\[\\]-~ä]{8,}$",
	}
	someFormats = []string{"date", "date-time", "uuid", "uri", "email", "json-pointer", "ipv4", "ipv6", "duration", "regex", "nonsense"}
	someNames   = []string{"a", "b", "c", "d", "e", "ä", "a/b"}
)

func (g *maker) number() json.Number { return json.Number(pick(g, someNumbers...)) }

func (g *maker) scalar() any {
	switch g.IntN(5) {
	case 0:
		return pick[any](g, true, false, nil)
	case 1, 2:
		return g.number()
	default:
		return pick(g, someTexts...)
	}
}

// schema makes a schema. Most ask for one type and narrow that.
func (g *maker) schema(depth int) any {
	if g.one(20) {
		return !g.one(4)
	}
	s := map[string]any{}
	typ := pick(g, "string", "string", "number", "integer", "object", "object", "object", "array", "array", "boolean", "null")
	if depth == 0 && (typ == "object" || typ == "array") {
		typ = "string"
	}
	switch {
	case g.one(8):
		s["type"] = []any{typ, g.other(typ)}
	case !g.one(10):
		s["type"] = typ
	}
	g.narrow(s, typ, depth)
	if g.one(12) && depth > 0 {
		g.inPlace(s, depth)
	}
	if g.one(30) {
		s["x-mark"], s["title"] = true, "t"
	}
	return s
}

func (g *maker) other(typ string) string {
	for {
		if o := pick(g, "null", "string", "boolean", "integer", "number", "object", "array"); o != typ {
			return o
		}
	}
}

func (g *maker) narrow(s map[string]any, typ string, depth int) {
	if g.one(10) {
		s["enum"] = []any{g.scalar(), g.scalar(), g.scalar()}
	}
	if g.one(25) {
		s["const"] = g.scalar()
	}
	count := func(keyword string, in, most int) {
		if g.one(in) {
			s[keyword] = g.IntN(most + 1)
		}
	}
	switch typ {
	case "string":
		count("minLength", 3, 3)
		count("maxLength", 3, 4)
		if g.one(4) {
			s["pattern"] = pick(g, somePatterns...)
		}
		if g.one(4) {
			s["format"] = pick(g, someFormats...)
		}
	case "number", "integer":
		for _, k := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
			if g.one(6) {
				s[k] = g.number()
			}
		}
		if g.one(6) {
			s["multipleOf"] = json.Number(pick(g, "1", "2", "0.5", "0.1", "3", "1e-8"))
		}
	case "array":
		count("minItems", 4, 2)
		count("maxItems", 4, 3)
		if g.one(3) {
			s["uniqueItems"] = true
		}
		if !g.one(4) {
			s["items"] = g.schema(depth - 1)
		}
		if g.one(5) {
			s["prefixItems"] = []any{g.schema(depth - 1), g.schema(depth - 1)}
		}
	case "object":
		g.object(s, depth)
		count("minProperties", 8, 3)
		count("maxProperties", 8, 3)
	}
}

func (g *maker) object(s map[string]any, depth int) {
	named, required := map[string]any{}, []any{}
	for _, name := range someNames {
		if g.one(2) {
			named[name] = g.schema(depth - 1)
		}
		if g.one(5) {
			required = append(required, name)
		}
	}
	if g.one(8) { // more than are looked through one by one
		for i := range 10 {
			named["n"+strconv.Itoa(i)] = true
		}
	}
	if len(named) > 0 || g.one(2) {
		s["properties"] = named
	}
	if len(required) > 0 {
		s["required"] = required
	}
	switch g.IntN(4) {
	case 0, 1:
		s["additionalProperties"] = false
	case 2:
		s["additionalProperties"] = g.schema(depth - 1)
	}
}

func (g *maker) inPlace(s map[string]any, depth int) {
	switch g.IntN(6) {
	case 0:
		s["allOf"] = []any{g.schema(depth - 1), g.schema(depth - 1)}
	case 1:
		s["anyOf"] = []any{g.schema(depth - 1), g.schema(depth - 1)}
	case 2:
		s["if"], s["then"] = map[string]any{"minLength": g.IntN(4)}, g.schema(depth-1)
		if g.one(2) {
			s["else"] = g.schema(depth - 1)
		}
	case 3:
		s["if"], s["then"], s["else"] = g.schema(depth-1), g.schema(depth-1), g.schema(depth-1)
	case 4:
		s["not"] = g.schema(depth - 1)
	case 5:
		s["oneOf"] = []any{g.schema(depth - 1), g.schema(depth - 1)}
	}
}

// instance writes a JSON text that follows schema more or less.
func (g *maker) instance(schema any) []byte {
	var b bytes.Buffer
	g.value(&b, schema, 5)
	out := b.Bytes()
	if g.one(3) {
		out = g.spoil(out)
	}
	return out
}

// spoil changes bytes.
func (g *maker) spoil(in []byte) []byte {
	at, upTo := g.IntN(len(in)+1), g.IntN(len(in)+1)
	at, upTo = min(at, upTo), max(at, upTo)
	piece := pick(g, "{", "}", "[", "]", `"`, ",", ":", `\`, `\u00e4`, `\ud800`, `\ud83d\ude00`, `\x`, "\x00", "\x1f", "\xff", "\xc3", "ä",
		"0", "-", ".", "e", "1", " ", "\n", "null", "tru", "\"a\":1,", "\xed\xa0\x80", "\u2028", "\x7f")
	switch g.IntN(4) {
	case 0:
		return bytes.Join([][]byte{in[:at], in[at:]}, []byte(piece))
	case 1:
		return bytes.Join([][]byte{in[:at], in[min(at+1, len(in)):]}, []byte(piece))
	case 2:
		return bytes.Join([][]byte{in[:at], in[min(at+1, len(in)):]}, nil)
	}
	return bytes.Join([][]byte{in[:upTo], in[at:]}, nil) // a part twice
}

func (g *maker) value(b *bytes.Buffer, schema any, depth int) {
	g.blank(b)
	defer g.blank(b)
	s, _ := schema.(map[string]any)
	if g.one(25) || s == nil || depth == 0 {
		g.write(b, g.scalar())
		return
	}
	if list, ok := s["enum"].([]any); ok && !g.one(5) {
		g.write(b, list[g.IntN(len(list))])
		return
	}
	typ, _ := s["type"].(string)
	if list, ok := s["type"].([]any); ok {
		typ, _ = list[g.IntN(len(list))].(string)
	}
	switch typ {
	case "object":
		g.members(b, s, depth)
	case "array":
		g.items(b, s, depth)
	case "string":
		g.write(b, pick(g, someTexts...))
	case "number", "integer":
		g.write(b, g.number())
	case "boolean":
		g.write(b, g.one(2))
	case "null":
		g.write(b, nil)
	default:
		g.write(b, g.scalar())
	}
}

func (g *maker) members(b *bytes.Buffer, s map[string]any, depth int) {
	named, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	names := map[string]bool{}
	for _, r := range required {
		names[r.(string)] = !g.one(10) //nolint:errcheck // made by schema
	}
	for _, name := range someNames {
		if _, known := named[name]; known && g.one(2) || g.one(20) {
			names[name] = true
		}
	}
	b.WriteByte('{')
	first := true
	for name, there := range names {
		for range pick(g, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2) { // some twice
			if !there {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			g.blank(b)
			g.write(b, name)
			g.blank(b)
			b.WriteByte(':')
			below, known := named[name]
			if !known {
				below = s["additionalProperties"]
			}
			g.value(b, below, depth-1)
		}
	}
	b.WriteByte('}')
}

func (g *maker) items(b *bytes.Buffer, s map[string]any, depth int) {
	prefix, _ := s["prefixItems"].([]any)
	b.WriteByte('[')
	for i := range pick(g, 0, 1, 2, 2, 3, 4, 33) {
		if i > 0 {
			b.WriteByte(',')
		}
		below := s["items"]
		if i < len(prefix) {
			below = prefix[i]
		}
		g.value(b, below, depth-1)
	}
	b.WriteByte(']')
}

func (g *maker) blank(b *bytes.Buffer) {
	if g.one(10) {
		b.WriteString(pick(g, " ", "\t", "\n", "\r", "  "))
	}
}

// write writes a scalar, a text with or without escapes.
func (g *maker) write(b *bytes.Buffer, v any) {
	s, isText := v.(string)
	if !isText || !g.one(3) {
		e := json.NewEncoder(b)
		e.SetEscapeHTML(g.one(2))
		_ = e.Encode(v)
		b.Truncate(b.Len() - 1) // a line feed
		return
	}
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04X`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		case r < ' ' || r == '"' || r == '\\' || g.one(2):
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// TestFewInstances holds the maker to its purpose: its texts and numbers stand
// for themselves.
func TestFewInstances(t *testing.T) {
	for _, n := range someNumbers {
		if !json.Valid([]byte(n)) {
			t.Errorf("%s is no number", n)
		}
	}
	for _, s := range someTexts {
		if strings.ToValidUTF8(s, "?") != s {
			t.Errorf("%q is no text", s)
		}
	}
}
