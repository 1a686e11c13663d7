package digiwfsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "digiwf".
func Simulator() hub.Simulator {
	return hub.Simulator{
		Name:  "digiwf",
		Title: "DigiWF: Kafka und eine Prozess-Engine, die Integrationen ruft",
		Run:   run,
	}
}

// settings of the simulator; adapters/digiwf/README.md explains them.
type settings struct {
	Listen       string      `yaml:"listen"`
	KafkaPort    int         `yaml:"kafka-port"`
	Dir          string      `yaml:"dir"` // of the broker; "" for one that is removed at the end
	Environment  string      `yaml:"environment"`
	Partitions   int32       `yaml:"partitions"`
	Generation   int         `yaml:"generation"`
	Topics       wire.Topics `yaml:"topics"`
	Types        wire.Types  `yaml:"types"`
	Headers      wire.Names  `yaml:"headers"`
	Integrations []string    `yaml:"integrations"` // topics
	Processes    []Process   `yaml:"processes"`
	Client       Client      `yaml:"client"`
	Duplicates   int         `yaml:"duplicates"`
	KeyBy        string      `yaml:"key"` // "", instance
}

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := settings{
		Listen: "127.0.0.1:8096", KafkaPort: 9096, Environment: "local-01", Partitions: 1, Generation: 1,
		Topics: wire.DefaultTopics(), Types: wire.DefaultTypes(), Headers: wire.DefaultNames(),
	}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	host, _, err := net.SplitHostPort(set.Listen)
	ip := net.ParseIP(host)
	switch {
	case env.Production:
		return set, s.Errorf("", "a simulator never runs in production")
	case err != nil || ip == nil || !ip.IsLoopback():
		return set, s.Errorf("listen", "must be an address of loopback with a port, for example 127.0.0.1:8096")
	case set.KafkaPort < 0 || set.KafkaPort > 65535:
		return set, s.Errorf("kafka-port", "must be a port")
	case set.Partitions < 1 || set.Partitions > 100:
		return set, s.Errorf("partitions", "must be 1 to 100")
	case set.Generation != 1 && set.Generation != 2:
		return set, s.Errorf("generation", "must be 1 or 2")
	case set.KeyBy != "" && set.KeyBy != "instance":
		return set, s.Errorf("key", "must be instance or empty")
	case set.Duplicates < 0 || set.Duplicates > 100:
		return set, s.Errorf("duplicates", "must be 0 to 100")
	}
	for _, topic := range set.topics() {
		if !wire.IsTopic(topic) {
			return set, s.Errorf("topics", "%q is no name of a topic", topic)
		}
	}
	for _, p := range set.Processes {
		for i, step := range p.Steps {
			if err := step.check(); err != nil {
				return set, s.Errorf("processes", "process %s, step %d: %w", p.Key, i+1, err)
			}
		}
	}
	if set.Dir != "" && !filepath.IsAbs(set.Dir) {
		set.Dir = filepath.Join(env.Dir, set.Dir)
	}
	return set, nil
}

// topics are all that there are: DigiWF's own, and those of integrations.
func (set settings) topics() []string {
	all := set.Topics.In(set.Environment).All()
	for _, topic := range set.Integrations {
		all = append(all, wire.In(topic, set.Environment))
	}
	for _, p := range set.Processes {
		for _, s := range p.Steps {
			if s.Topic != "" {
				all = append(all, wire.In(s.Topic, set.Environment))
			}
		}
	}
	return all
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set, err := decode(env, s)
	if err != nil {
		return err
	}
	if set.Dir == "" {
		if set.Dir, err = os.MkdirTemp("", "digiwfsim-*"); err != nil {
			return fmt.Errorf("make a folder for the broker: %w", err)
		}
		defer func() { _ = os.RemoveAll(set.Dir) }()
	}
	broker, err := OpenBroker(set.KafkaPort, set.Dir, set.Partitions, set.topics())
	if err != nil {
		return err
	}
	defer broker.Stop()
	engine, err := NewEngine(Config{
		Broker: broker.Address(), Environment: set.Environment, Topics: set.Topics, Types: set.Types, Names: set.Headers,
		Generation: set.Generation, Processes: set.Processes, KeyByInstance: set.KeyBy == "instance",
	})
	if err != nil {
		return err
	}
	defer engine.Close()
	engine.Duplicate(set.Duplicates)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	env.Log.Info("digiwf: plays", zap.String("rest", "http://"+listener.Addr().String()), zap.String("kafka", broker.Address()))
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error { return engine.Run(ctx) })
	both.Go(func() error { return serve(ctx, listener, Handler(engine, broker, set.Client)) })
	return both.Wait()
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	end := make(chan error, 1)
	go func() { end <- server.Serve(l) }()
	select {
	case err := <-end:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		err := server.Close()
		if served := <-end; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
}
