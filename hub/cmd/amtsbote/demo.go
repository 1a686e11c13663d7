package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/examples"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/demo"
)

const (
	story    = "wohnsitzanmeldung"
	demoTime = time.Minute
)

// demoCases are the two cases of the story and what must happen in them.
func demoCases() []demo.Case {
	received := demo.Step{Type: "de.meldewesen.anmeldung-eingegangen.v1", Receivers: []string{"akdb.okewo"}}
	return []demo.Case{
		{ID: "5f0c2c1e-7f3b-4a57-9d0e-6b1d2f8a4c01", Title: "Case 1: Giulia Rossi moves to Munich; the register accepts", Steps: []demo.Step{
			received,
			{Type: "de.meldewesen.wohnung-angemeldet.v1", Receivers: []string{"lhm.abfall", "lhm.auslaenderbehoerde", "lhm.kfz"}},
			{Type: "de.meldewesen.anmeldung-angenommen.v1", Receivers: []string{"dataport.wohnsitzanmeldung"}},
		}},
		{ID: "5f0c2c1e-7f3b-4a57-9d0e-6b1d2f8a4c02", Title: "Case 2: Jonas Beispiel applies in the wrong city; the register refuses", Steps: []demo.Step{
			received,
			{Type: "de.meldewesen.anmeldung-zurueckgewiesen.v1", Receivers: []string{"dataport.wohnsitzanmeldung"}},
		}},
	}
}

func newDemoCommand() *cobra.Command {
	var stay bool
	var level string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the story Wohnsitzanmeldung on a temporary directory and watch it",
		Long: `Run the story Wohnsitzanmeldung on a temporary directory: an online service hands
in two applications, the resident register (played by Amtsbote) accepts one and
refuses the other, and the city's authorities learn what their agreements allow.
Ends with exit code 0 when both cases are complete.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), cmd.OutOrStdout(), stay, level)
		},
	}
	cmd.Flags().BoolVar(&stay, "stay", false, "go on after both cases until Ctrl-C")
	cmd.Flags().StringVar(&level, "log", env("LOG", "error"), "log level: debug, info, warn, error")
	return cmd
}

func runDemo(ctx context.Context, out io.Writer, stay bool, level string) (err error) {
	dir, err := os.MkdirTemp("", "amtsbote-demo-")
	if err != nil {
		return fmt.Errorf("make a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sub, err := fs.Sub(examples.Stories, story)
	if err != nil {
		return err
	}
	federation, data := filepath.Join(dir, "federation"), filepath.Join(dir, "data")
	if err := os.CopyFS(federation, sub); err != nil {
		return fmt.Errorf("unpack the story: %w", err)
	}
	screen := newScreen(out)
	progress := demo.Follow(demoCases(), screen.changed)
	a, err := demoApp(federation, data, level, stay, progress)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Stop()) }()
	introduceDemo(out, a, data)
	screen.show(progress)
	if err := handIn(filepath.Join(federation, "faelle"), filepath.Join(data, "drop", "onlinedienst", "in")); err != nil {
		return err
	}
	if err := await(ctx, a, progress, screen); err != nil {
		return err
	}
	summarize(out, a)
	if !stay {
		return nil
	}
	fmt.Fprintln(out, "The hub stays; drop more files, or press Ctrl-C.")
	<-ctx.Done()
	return nil
}

func demoApp(federation, data, level string, stay bool, progress *demo.Progress) (*app.App, error) {
	log, err := newLog(level)
	if err != nil {
		return nil, err
	}
	cfg := app.Config{
		Directory: federation, Data: data, AllowTemp: true,
		Kinds: adapters.Kinds(), Simulators: adapters.Simulators(), Observer: progress, Log: log,
	}
	if stay {
		cfg.Listen = "127.0.0.1:0"
	}
	return app.New(cfg)
}

// handIn puts the story's applications into the online service's folder, as the
// service would: under a temporary name first.
func handIn(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.xml"))
	if err != nil {
		return err
	}
	for _, f := range files {
		data, err := os.ReadFile(f) //nolint:gosec // our own story
		if err != nil {
			return err
		}
		target := filepath.Join(to, filepath.Base(f))
		if err := os.WriteFile(target+".tmp", data, 0o600); err != nil { //nolint:gosec // names of our own story
			return fmt.Errorf("hand in an application: %w", err)
		}
		if err := os.Rename(target+".tmp", target); err != nil {
			return fmt.Errorf("hand in an application: %w", err)
		}
	}
	return nil
}

func await(ctx context.Context, a *app.App, p *demo.Progress, s *liveScreen) error {
	limit := time.NewTimer(demoTime)
	defer limit.Stop()
	select {
	case <-p.Done():
	case <-ctx.Done():
		return ctx.Err()
	case <-a.Done():
		return errors.New("the hub stopped")
	case <-limit.C:
		return fmt.Errorf("the cases were not complete after %s; run again with --log info", demoTime)
	}
	s.show(p)
	if wrong := p.Wrong(); len(wrong) > 0 {
		return fmt.Errorf("this must not happen in the story: %s", strings.Join(wrong, "; "))
	}
	return nil
}

func introduceDemo(out io.Writer, a *app.App, data string) {
	fmt.Fprintf(out, "Amtsbote runs the story %q in %s\n", a.Federation().Name, data)
	if url := a.URL(); url != "" {
		fmt.Fprintf(out, "NATS: %s   explain: amtsbote explain ID --data %s\n", url, data)
	}
	fmt.Fprintln(out)
}

// summarize lists what lies at each receiver.
func summarize(out io.Writer, a *app.App) {
	fmt.Fprintln(out, "What the receivers were given:")
	for _, ad := range a.Adapters() {
		if ad.Places.Out == "" {
			continue
		}
		files, err := os.ReadDir(ad.Places.Out)
		if err != nil {
			continue
		}
		for _, f := range files {
			fmt.Fprintf(out, "  %-28s %s%s\n", ad.Application, f.Name(), demo.Fields(filepath.Join(ad.Places.Out, f.Name())))
		}
	}
}

// liveScreen draws at most every 50 ms while changes come in.
type liveScreen struct {
	mu     sync.Mutex
	screen demo.Screen
	p      *demo.Progress
	last   time.Time
}

func newScreen(out io.Writer) *liveScreen {
	f, ok := out.(*os.File)
	return &liveScreen{screen: demo.Screen{Out: out, Terminal: ok && term.IsTerminal(int(f.Fd()))}}
}

func (s *liveScreen) show(p *demo.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.p, s.last = p, time.Now()
	s.screen.Draw(p)
}

func (s *liveScreen) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.p == nil || (s.screen.Terminal && time.Since(s.last) < 50*time.Millisecond) {
		return
	}
	s.last = time.Now()
	s.screen.Draw(s.p)
}
