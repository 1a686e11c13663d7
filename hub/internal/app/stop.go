package app

import "errors"

// Stop ends everything and waits for it. What was acknowledged is stored, so
// nothing is drained.
func (a *App) Stop() error {
	err := errors.Join(a.closeDoor(), a.closeConsole())
	if a.cancel != nil {
		a.cancel()
		err = errors.Join(err, a.group.Wait(), a.lastRefusals())
		a.stopUnits()
	}
	err = errors.Join(err, a.closeSearch())
	if a.index != nil {
		err = errors.Join(err, a.index.Close())
	}
	if a.ledger != nil {
		err = errors.Join(err, a.ledger.Close())
	}
	if a.bus != nil {
		a.bus.Close()
	}
	if a.operator != nil {
		a.operator.Stop()
	}
	if a.server != nil {
		a.server.Stop()
	}
	if a.lockFile != nil {
		err = errors.Join(err, a.lockFile.Close())
	}
	a.tokens.book = nil
	a.cancel, a.index, a.ledger, a.bus, a.server, a.operator, a.doors, a.lockFile = nil, nil, nil, nil, nil, nil, nil, nil
	return err
}
