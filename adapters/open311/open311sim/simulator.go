package open311sim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// Simulator is the simulator "open311".
func Simulator() hub.Simulator {
	return hub.Simulator{
		Name:  "open311",
		Title: "Open311-Server (GeoReport v2, Mark-a-Spot, Klarschiff, FixMyStreet)",
		Run:   run,
	}
}

// Settings of the simulator; adapters/open311/README.md explains them.
type Settings struct {
	Listen    string        `yaml:"listen"`
	Dialect   string        `yaml:"dialect"`
	Key       string        `yaml:"api-key"`
	Services  []Service     `yaml:"services"`
	Limit     int           `yaml:"limit"`
	Clock     time.Duration `yaml:"clock"`     // how far the server's clock is ahead
	Contact   bool          `yaml:"contact"`   // the server tells who reported
	Moderated bool          `yaml:"moderated"` // what is filed is not shown
	Reports   string        `yaml:"reports"`   // file, a JSON array of Report
	Work      *Work         `yaml:"work"`
}

// Service is an entry of the service list.
type Service struct {
	Code string `yaml:"code"`
	Name string `yaml:"name"`
	Type string `yaml:"type"` // realtime when empty
}

func (s Service) kind() string { return cmp.Or(s.Type, "realtime") }

// Work is what the office does with each report.
type Work struct {
	After  time.Duration `yaml:"after"`
	Detail string        `yaml:"detail"`
	Notes  string        `yaml:"notes"`
	Agency string        `yaml:"agency"`
}

var (
	dialects = []string{"georeport", "mark-a-spot", "klarschiff", "fixmystreet"}
	kinds    = []string{"realtime", "batch", "blackbox"}
)

// New makes a server.
func New(set Settings) *Server {
	set.Dialect, set.Limit = cmp.Or(set.Dialect, "georeport"), cmp.Or(set.Limit, 1000)
	s := &Server{set: set, names: map[string]string{}}
	for _, one := range set.Services {
		s.names[one.Code] = one.Name
	}
	return s
}

func (s *Server) kindOf(code string) string {
	for _, one := range s.set.Services {
		if one.Code == code {
			return one.kind()
		}
	}
	return ""
}

func decode(env hub.Env, s hub.Settings) (Settings, error) {
	set := Settings{Listen: "127.0.0.1:8311", Dialect: "georeport"}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	host, _, err := net.SplitHostPort(set.Listen)
	ip := net.ParseIP(host)
	switch {
	case err != nil || ip == nil || !ip.IsLoopback():
		return set, s.Errorf("listen", "must be an address of loopback with a port, for example 127.0.0.1:8311")
	case !slices.Contains(dialects, set.Dialect):
		return set, s.Errorf("dialect", "must be georeport, mark-a-spot, klarschiff or fixmystreet")
	case len(set.Services) == 0:
		return set, s.Errorf("services", "at least one is needed")
	case set.Limit < 0:
		return set, s.Errorf("limit", "must not be negative")
	}
	for _, one := range set.Services {
		if one.Code == "" || one.Name == "" || !slices.Contains(kinds, one.kind()) {
			return set, s.Errorf("services", "each has code and name, and type realtime, batch or blackbox")
		}
	}
	if set.Reports != "" && !filepath.IsAbs(set.Reports) {
		set.Reports = filepath.Join(env.Federation, set.Reports)
	}
	return set, nil
}

func run(ctx context.Context, env hub.Env, s hub.Settings) error {
	set, err := decode(env, s)
	if err != nil {
		return err
	}
	server := New(set)
	if err := server.load(set.Reports); err != nil {
		return s.Errorf("reports", "%w", err)
	}
	listener, err := net.Listen("tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	env.Log.Info("open311: plays", zap.String("endpoint", "http://"+listener.Addr().String()+Base), zap.String("dialect", set.Dialect))
	return serve(ctx, listener, server.Handler())
}

func (s *Server) load(path string) error {
	if path == "" {
		return nil
	}
	raw, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if err != nil {
		return err
	}
	var reports []Report
	if err := json.Unmarshal(raw, &reports); err != nil {
		return errors.New("the file is no JSON array of reports")
	}
	for _, r := range reports {
		if _, err := s.Put(r); err != nil {
			return err
		}
	}
	return nil
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
