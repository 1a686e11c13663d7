package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

const demoTime = time.Minute

func newDemoCommand() *cobra.Command {
	var stay bool
	var level string
	cmd := &cobra.Command{
		Use:   "demo [" + strings.Join(demoNames(), "|") + "]",
		Short: "Run a story of examples/ on a temporary directory and watch it",
		Long: `Run a story on a temporary directory. Ends with exit code 0 when its cases are
complete.

wohnsitzanmeldung (the default): an online service hands in two applications, the
resident register (played by Amtsbote) accepts one and refuses the other, and the
city's authorities learn what their agreements allow.

maengelmeldung: somebody reports a pothole at the city's portal, but the road is the
district's: the report goes there without who reported, and comes back mended. Portal
and district are played by Amtsbote.`,
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: demoNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDemo(cmd.Context(), cmd.OutOrStdout(), findStory(args), stay, level)
		},
	}
	cmd.Flags().BoolVar(&stay, "stay", false, "go on after the cases until Ctrl-C")
	cmd.Flags().StringVar(&level, "log", env("LOG", "error"), "log level: debug, info, warn, error")
	return cmd
}

func runDemo(ctx context.Context, out io.Writer, story demoStory, stay bool, level string) (err error) {
	dir, err := os.MkdirTemp("", "amtsbote-demo-")
	if err != nil {
		return fmt.Errorf("make a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	federation, data := filepath.Join(dir, "federation"), filepath.Join(dir, "data")
	if err := story.unpack(examples.Stories, federation); err != nil {
		return err
	}
	screen := newScreen(out)
	progress := demo.Follow(story.cases, screen.changed)
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
	if story.after {
		if err := await(ctx, a, progress, screen, progress.Begun()); err != nil {
			return err
		}
	}
	if err := handIn(filepath.Join(federation, filepath.FromSlash(story.files)), filepath.Join(data, "drop", story.to, "in")); err != nil {
		return err
	}
	if err := await(ctx, a, progress, screen, progress.Done()); err != nil {
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

// handIn puts the story's files into an application's folder, as the application
// would: under a temporary name first.
func handIn(from, to string) error {
	files, err := filepath.Glob(from)
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
			return fmt.Errorf("hand in a file: %w", err)
		}
		if err := os.Rename(target+".tmp", target); err != nil {
			return fmt.Errorf("hand in a file: %w", err)
		}
	}
	return nil
}

func await(ctx context.Context, a *app.App, p *demo.Progress, s *liveScreen, until <-chan struct{}) error {
	limit := time.NewTimer(demoTime)
	defer limit.Stop()
	select {
	case <-until:
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
