package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
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
	firstStory = "wohnsitzanmeldung"
	demoTime   = time.Minute
)

// stories are the names of those that can be run.
func stories() []string {
	plans, _ := fs.Glob(examples.Stories, "*/"+demo.PlanFile)
	for i, plan := range plans {
		plans[i] = path.Dir(path.Dir(plan))
	}
	return plans
}

func newDemoCommand() *cobra.Command {
	var stay bool
	var level string
	cmd := &cobra.Command{
		Use:   "demo [" + strings.Join(stories(), "|") + "]",
		Short: "Run a story on a temporary directory and watch it",
		Long: "Run a story on a temporary directory, foreign systems played by Amtsbote, and watch\n" +
			"it. Ends with exit code 0 when its cases are complete. Without a name it is\n" + firstStory + ".",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: stories(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDemo(cmd.Context(), cmd.OutOrStdout(), append(args, firstStory)[0], stay, level)
		},
	}
	cmd.Flags().BoolVar(&stay, "stay", false, "go on after the cases until Ctrl-C")
	cmd.Flags().StringVar(&level, "log", env("LOG", "error"), "log level: debug, info, warn, error")
	return cmd
}

func runDemo(ctx context.Context, out io.Writer, story string, stay bool, level string) (err error) {
	dir, err := os.MkdirTemp("", "amtsbote-demo-")
	if err != nil {
		return fmt.Errorf("make a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sub, err := fs.Sub(examples.Stories, story)
	if err != nil {
		return err
	}
	plan, err := demo.ReadPlan(sub)
	if err != nil {
		return err
	}
	federation, data := filepath.Join(dir, "federation"), filepath.Join(dir, "data")
	if err := os.CopyFS(federation, sub); err != nil {
		return fmt.Errorf("unpack the story: %w", err)
	}
	if err := demo.OwnPorts(federation); err != nil {
		return err
	}
	screen := newScreen(out)
	progress := demo.Follow(plan.Cases, screen.changed)
	a, err := demoApp(federation, data, level, stay, progress)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Stop()) }()
	introduceDemo(out, plan, a, data)
	screen.show(progress)
	if err := play(ctx, a, progress, func(wait func(string) error) error { return plan.Do(federation, data, wait) }); err != nil {
		return err
	}
	screen.show(progress)
	summarize(out, a)
	if !stay {
		return nil
	}
	if _, link := a.ConsoleURL(); link != "" {
		fmt.Fprintln(out, "See it in a browser (the link works once):", link)
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
		cfg.Listen, cfg.Console = "127.0.0.1:0", &app.Console{Listen: "127.0.0.1:0"}
	}
	return app.New(cfg)
}

// play hands in what the story hands in, and waits until its cases are complete.
func play(ctx context.Context, a *app.App, p *demo.Progress, handIn func(wait func(string) error) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, demoTime,
		fmt.Errorf("the cases were not complete after %s; run again with --log info", demoTime))
	defer cancel()
	err := handIn(func(after string) error { return await(ctx, a, p, p.Reached(after)) })
	if err == nil {
		err = await(ctx, a, p, p.Done())
	}
	if wrong := p.Wrong(); len(wrong) > 0 {
		return fmt.Errorf("this must not happen in the story: %s", strings.Join(wrong, "; "))
	}
	return err
}

// await returns when something is reached; with an error when it will not be.
func await(ctx context.Context, a *app.App, p *demo.Progress, reached <-chan struct{}) error {
	select {
	case <-reached:
		return nil
	case <-p.Done():
		if len(p.Wrong()) > 0 {
			return errors.New("the story went wrong")
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-a.Done():
		return errors.New("the hub stopped")
	}
}

func introduceDemo(out io.Writer, plan *demo.Plan, a *app.App, data string) {
	fmt.Fprintf(out, "Amtsbote runs the story %q in %s\n%s\n", a.Federation().Name, data, strings.TrimSpace(plan.About))
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
