package xoev_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

const process = "22222222-2222-4333-8444-555555555555"

type entry struct{ name, content string }

func pack(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		method := zip.Deflate
		if e.content == "" {
			method = zip.Store
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readFile(t testing.TB, content []byte) (*xoev.Message, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	return xoev.ReadFile(f, xmlguard.Limits{}, nil)
}

func TestContainer(t *testing.T) {
	document := entry{"33333333-2222-4333-8444-555555555555_brief.xml", "<brief/>"}
	for name, message := range map[string]string{
		"up to 3.1":  process + "_Aussonderung.Aussonderung.0503.xml",
		"4.0":        process + "_0503_1.xml",
		"upper case": strings.ToUpper(process) + "_0503_12.XML",
	} {
		t.Run(name, func(t *testing.T) {
			m, err := readFile(t, pack(t, document, entry{message, archiv}))
			if err != nil || m.ProcessID != process {
				t.Fatalf("got %+v, %v", m, err)
			}
		})
	}
	t.Run("only XML", func(t *testing.T) {
		m, err := readFile(t, pack(t, entry{"message.xml", archiv}, entry{"x.pdf", "%PDF"}))
		if err != nil || m.Dialect != xoev.Xdomea4 {
			t.Fatalf("got %+v, %v", m, err)
		}
	})
}

func TestContainerRefused(t *testing.T) {
	message := entry{process + "_0503_1.xml", archiv}
	damaged := pack(t, message)
	directory := bytes.Index(damaged, []byte("PK\x01\x02"))
	damaged[directory+16] ^= 0xff // the checksum that the directory states
	for name, content := range map[string][]byte{
		"no message":      pack(t, entry{"brief.pdf", "%PDF"}),
		"two messages":    pack(t, message, entry{process + "_0501_1.xml", archiv}),
		"two other XML":   pack(t, entry{"a.xml", archiv}, entry{"b.xml", archiv}),
		"same name twice": pack(t, message, message),
		"parent":          pack(t, message, entry{"../evil.pdf", "x"}),
		"parent inside":   pack(t, message, entry{"a/../../evil.pdf", "x"}),
		"absolute":        pack(t, message, entry{"/etc/evil", "x"}),
		"drive":           pack(t, message, entry{`C:\evil`, "x"}),
		"ratio":           pack(t, message, entry{"bomb.pdf", strings.Repeat("0", 4<<20)}),
		"cut off":         pack(t, message)[:100],
		"damaged":         damaged,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := readFile(t, content); !errors.Is(err, xoev.ErrContainer) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestContainerTooManyEntries(t *testing.T) {
	entries := make([]entry, 10_001)
	for i := range entries {
		entries[i].name = strconv.Itoa(i) + ".pdf"
	}
	if _, err := readFile(t, pack(t, entries...)); !errors.Is(err, xoev.ErrContainer) {
		t.Fatalf("got %v", err)
	}
}

func TestContainerWithBadXML(t *testing.T) {
	_, err := readFile(t, pack(t, entry{process + "_0503_1.xml", "<!DOCTYPE a><a/>"}))
	if refused, ok := errors.AsType[*xmlguard.Error](err); !ok || refused.Code != xmlguard.DTD {
		t.Fatalf("got %v", err)
	}
}

// TestContainerOfRealMessages packs every real xdomea message as xdomea does
// and reads the same header from the ZIP as from the XML.
func TestContainerOfRealMessages(t *testing.T) {
	dir := interop.Path(t, "data", "xoev", "xdomea", "messages")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.xml"))
	if err != nil || len(files) < 10 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := readFile(t, content)
		if err != nil {
			t.Fatal(err)
		}
		packed, err := readFile(t, pack(t, entry{filepath.Base(file), string(content)}, entry{process + ".txt", "Text"}))
		if err != nil || packed.Header != plain.Header {
			t.Errorf("%s: %+v, %v", file, packed, err)
		}
	}
}
