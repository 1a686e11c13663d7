package intake

import (
	"context"
	"regexp"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
)

// State implements hub.Intake. Each adapter sees only its own keys.
func (i *Intake) State() hub.State { return state{i.Store, "source." + i.Adapter + "."} }

type state struct {
	store  *bus.Store
	prefix string
}

var keyPattern = regexp.MustCompile(`^[A-Za-z0-9_=-][A-Za-z0-9_.=-]{0,127}$`)

func (s state) key(key string) (string, error) {
	if !keyPattern.MatchString(key) || key[len(key)-1] == '.' {
		return "", hub.Permanent("state-key", "state key %q is not [A-Za-z0-9_.=-]{1,128}, or begins or ends with a dot", key)
	}
	return s.prefix + key, nil
}

func (s state) Get(ctx context.Context, key string) ([]byte, error) {
	k, err := s.key(key)
	if err != nil {
		return nil, err
	}
	return s.store.Get(ctx, k)
}

func (s state) Put(ctx context.Context, key string, value []byte) error {
	k, err := s.key(key)
	if err != nil {
		return err
	}
	return s.store.Put(ctx, k, value)
}

func (s state) Delete(ctx context.Context, key string) error {
	k, err := s.key(key)
	if err != nil {
		return err
	}
	return s.store.Delete(ctx, k)
}
