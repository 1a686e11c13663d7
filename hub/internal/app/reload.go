package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/flow"
)

// VerbReload is the act of reading the federation directory again, on the
// control channel.
const VerbReload = "reload"

// Reloaded says what a reload did.
type Reloaded struct {
	// Before and Now are the versions by their digests; equal when nothing has
	// changed.
	Before, Now string
	Findings    []finding.Finding
}

// Reload reads the federation directory again and puts it in force: whole, or
// not at all. Secrets that it names are read again even when it has not changed. Events are decided by one version or the other, as their decision
// records say, without a pause. With an error the version before stays in force;
// an InvalidError has the findings.
func (a *App) Reload(ctx context.Context) (*Reloaded, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if a.run == nil {
		return nil, errors.New("the hub does not run")
	}
	before := a.Federation()
	fed, found := federation.Load(before.Dir, a.kinds)
	if fed == nil {
		return nil, &InvalidError{before.Dir, found}
	}
	out := &Reloaded{Before: before.Digest, Now: fed.Digest, Findings: found}
	if fed.Digest == before.Digest {
		return out, a.renew(before)
	}
	if err := a.provide(ctx, fed); err != nil {
		return nil, fmt.Errorf("the version before stays in force: %w", err)
	}
	plans, err := a.plan(fed)
	if err != nil {
		return nil, fmt.Errorf("the version before stays in force: %w", err)
	}
	if a.doors != nil {
		if err := a.doors.Admit(ctx, mailboxes(fed), connecting(fed)); err != nil {
			return nil, fmt.Errorf("the version before stays in force: %w", err)
		}
	}
	a.keeper.InForce(fed)
	a.version.Store(flow.NewVersion(fed)) // from here on it is in force
	a.apply(plans)
	a.log.Info("federation directory reloaded", zap.String("version", fed.Digest), zap.String("before", before.Digest))
	return out, errors.Join(a.leftBehind(ctx), a.announce())
}

// renew starts anew what stands on secrets outside of the directory that have changed;
// all else goes on.
func (a *App) renew(fed *federation.Federation) error {
	plans, err := a.plan(fed)
	if err != nil {
		return fmt.Errorf("all goes on as before: %w", err)
	}
	a.apply(plans)
	return nil
}

// reloadAnswer is Reloaded, or why not, for the command.
type reloadAnswer struct {
	Reloaded
	Invalid bool // Findings say why; the version before stays in force
}

func (a *App) serveReload(ctx context.Context, _ []byte) ([]byte, error) {
	done, err := a.Reload(ctx)
	if invalid, ok := errors.AsType[*InvalidError](err); ok {
		return json.Marshal(reloadAnswer{Reloaded{a.Federation().Digest, a.Federation().Digest, invalid.Findings}, true})
	}
	if err != nil {
		a.log.Error("reload failed", zap.Error(err))
		return nil, err
	}
	return json.Marshal(reloadAnswer{*done, false})
}
