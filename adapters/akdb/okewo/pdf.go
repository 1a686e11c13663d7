package okewo

import (
	"bytes"
	"fmt"
	"strings"
)

// page is a PDF 1.4 document of one page with lines of text. Its font knows the
// characters of Latin-1; others become a question mark.
func page(lines ...string) []byte {
	content := "BT /F1 12 Tf 14 TL 72 770 Td\n"
	for _, line := range lines {
		for _, part := range wrap(line) {
			content += "(" + pdfText(part) + ") Tj T*\n"
		}
	}
	content += "ET"
	return assemble(
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content), content),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
	)
}

// assemble numbers the objects from 1 and adds header, cross-reference table
// and trailer.
func assemble(objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return b.Bytes()
}

// pdfText is a string in WinAnsi within parentheses.
func pdfText(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c < ' ' || c > '~' && c < 0xA0 || c > 0xFF {
			c = '?'
		}
		if strings.ContainsRune(`()\`, c) {
			b.WriteByte('\\')
		}
		b.WriteByte(byte(c & 0xFF))
	}
	return b.String()
}

// wrap breaks a line between words, at about the width of the page.
func wrap(line string) []string {
	const width = 75
	parts, rest := []string{}, []rune(line)
	for len(rest) > width {
		at := width
		for i := width; i > 0; i-- {
			if rest[i] == ' ' {
				at = i
				break
			}
		}
		parts = append(parts, string(rest[:at]))
		rest = []rune(strings.TrimLeft(string(rest[at:]), " "))
	}
	return append(parts, string(rest))
}
