package akdb_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/adapters/internal/memtest"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	childSettings = "AMTSBOTE_TEST_XTA_CHILD"
	mostMemory    = 150 << 20
	largest       = 40 << 20 // what one container may have
)

// TestMain lets this program be the hub's process whose memory is measured.
func TestMain(m *testing.M) {
	if s := os.Getenv(childSettings); s != "" {
		if err := child(s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestXTAMemory takes a container of 40 MB out of a box, by MTOM and as base64 in
// the envelope, and sends one of 40 MB in the same way, in a process of its own;
// what that had in memory at most (VmHWM) is below 150 MB.
func TestXTAMemory(t *testing.T) {
	t.Parallel()
	memtest.Measurable(t)
	for _, c := range []struct {
		name string
		make func(path string) error
		mtom bool
	}{{"container, MTOM", largeContainer, true}, {"XML, inline", largeXML, false}} {
		t.Run(c.name, func(t *testing.T) {
			b := newBroker(t, xtasim.Options{MTOM: c.mtom})
			file := filepath.Join(t.TempDir(), "large")
			if err := c.make(file); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(file)
			if err != nil || info.Size() < largest-largest/100 || info.Size() > largest {
				t.Fatal(info.Size(), err)
			}
			l := to("")
			l.Message = xtasim.Document{Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(file) }}
			b.Put(l)
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), childSettings+"="+string(b.settings(portalKey, fmt.Sprint(", close-with: list, max-bytes: 41943040, mtom: ", c.mtom))), "AMTSBOTE_TEST_DIR="+b.dir)
			b.putAgain(portalKey, l)
			out := b.untilClosed(t, cmd)
			high, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
			if err != nil || high < 10<<20 || high > mostMemory {
				t.Errorf("the process had %d bytes in memory, %v", high, err)
			}
			t.Logf("the process had %d MB in memory at most", high>>20)
			sent := b.Sent()
			if len(sent) != 1 || int64(len(sent[0].Message.Bytes)) != info.Size() || len(b.Waiting(portalKey)) != 0 {
				t.Error("not all of it went through", len(sent), b.Waiting(portalKey))
			}
		})
	}
}

// untilClosed runs the command; when the box is empty it is told by a line.
func (b *broker) untilClosed(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			return out.String()
		case <-tick.C:
			if !told && len(b.Waiting(portalKey)) == 0 {
				_, _ = io.WriteString(in, "closed\n") // it may have ended
				told = true
			}
		}
	}
}

// putAgain lays a letter into another box.
func (b *broker) putAgain(kennung string, l xtasim.Letter) {
	l.Reader.Kennung = kennung
	b.Put(l)
}

// child is a hub with one adapter: it takes what is in the box, sends it on, and
// prints how much memory it had at most.
func child(settings string) error {
	dir := os.Getenv("AMTSBOTE_TEST_DIR")
	source, err := akdb.XTA().Source(adaptertest.Env(dir), adaptertest.Settings(settings))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		cancel()
	}()
	in := &diskIntake{dir: dir}
	if err := source.Run(ctx, in); err != nil {
		return err
	}
	sink, err := akdb.XTA().Sink(adaptertest.Env(dir), adaptertest.Settings(settings))
	if err != nil {
		return err
	}
	if err := sink.Deliver(context.Background(), hub.Delivery{ID: "d", Attempt: 1, Event: in.event, Blobs: in}); err != nil {
		return err
	}
	high, err := memtest.Peak()
	fmt.Println(high)
	return err
}

// diskIntake stores one event, its blobs as files.
type diskIntake struct {
	hub.Intake
	dir   string
	event hub.Event
}

func (d *diskIntake) Publish(_ context.Context, e hub.Event) error {
	d.event = e
	return nil
}

func (d *diskIntake) Blobs() hub.Blobs { return d }

func (d *diskIntake) Put(_ context.Context, r io.Reader) (hub.BlobRef, error) {
	f, err := os.CreateTemp(d.dir, "blob-*")
	if err != nil {
		return hub.BlobRef{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), r)
	ref := hub.BlobRef{Ref: "blob:" + strings.TrimPrefix(filepath.Base(f.Name()), "blob-"), SHA256: hex.EncodeToString(sum.Sum(nil)), Size: n}
	return ref, errors.Join(err, f.Close())
}

func (d *diskIntake) Open(_ context.Context, ref string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(d.dir, "blob-"+strings.TrimPrefix(ref, "blob:")))
}

// largeXML is a message with one text of nearly 40 MB.
func largeXML(path string) error {
	head, tail, _ := strings.Cut(fromPortal(1), "<x:fall>")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprint(w, head, "<x:dokument>")
	line := base64.StdEncoding.EncodeToString(make([]byte, 57)) + "\n"
	for range (largest - len(head) - len(tail) - 100) / len(line) {
		fmt.Fprint(w, line)
	}
	fmt.Fprint(w, "</x:dokument><x:fall>", tail)
	return errors.Join(w.Flush(), f.Close())
}

// largeContainer is an xdomea container with a primary document of nearly 40 MB.
func largeContainer(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	z := zip.NewWriter(f)
	const process = "aaaaaaaa-0000-4000-8000-000000000042"
	message, err := z.Create(process + "_Aussonderung.0503.xml")
	if err != nil {
		return err
	}
	fmt.Fprintf(message, `<xdomea:Aussonderung.Aussonderung.0503 xmlns:xdomea="urn:xoev-de:xdomea:schema:3.1.0"><xdomea:Kopf>
<xdomea:ProzessID>%s</xdomea:ProzessID><xdomea:Nachrichtentyp><code>0503</code></xdomea:Nachrichtentyp>
<xdomea:Erstellungszeitpunkt>2026-03-02T09:15:00+01:00</xdomea:Erstellungszeitpunkt>
<xdomea:Absender><xdomea:Behoerdenkennung><xdomea:Praefix><code>mbp</code></xdomea:Praefix><xdomea:Behoerdenschluessel><code>020000019999</code></xdomea:Behoerdenschluessel></xdomea:Behoerdenkennung></xdomea:Absender>
<xdomea:Empfaenger><xdomea:Behoerdenkennung><xdomea:Praefix><code>ags</code></xdomea:Praefix><xdomea:Behoerdenschluessel><code>09162000</code></xdomea:Behoerdenschluessel></xdomea:Behoerdenkennung></xdomea:Empfaenger>
</xdomea:Kopf></xdomea:Aussonderung.Aussonderung.0503>`, process)
	document, err := z.CreateHeader(&zip.FileHeader{Name: "aaaaaaaa-0000-4000-8000-000000000043_akte.pdf", Method: zip.Store})
	if err != nil {
		return err
	}
	noise := rand.NewChaCha8([32]byte{1})
	if _, err := io.CopyN(document, noise, largest-8<<10); err != nil {
		return err
	}
	return errors.Join(z.Close(), f.Close())
}
