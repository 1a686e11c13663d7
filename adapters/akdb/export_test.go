package akdb

import (
	"context"
	"sync/atomic"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// SetProduction makes an XTA source one of production, without the certificate
// that its settings would need there.
func SetProduction(s hub.Source) { s.(*xtaSource).messages.production = true } //nolint:errcheck // tests know it is one

// CleanName makes a name fit for the transport.
var CleanName = cleanName

// OnlyPassedOver says whether a round went around messages and nothing else failed.
var OnlyPassedOver = onlyPassedOver

// PassedOver marks the failure of one message.
func PassedOver(err error) error { return passedOver{err} }

// Mortal has an XTA source ask before and after it writes a Rückweisung to disk
// whether it lives.
func Mortal(s hub.Source, step func() error) {
	s.(*xtaSource).answers.step = step //nolint:errcheck // tests know it is one
}

// Panicking has the sending of Rückweisungen panic so many times.
func Panicking(s hub.Source, times int32) {
	a := s.(*xtaSource).answers //nolint:errcheck // tests know it is one
	p := &panicking{Service: a.service}
	p.left.Store(times)
	a.service = p
}

type panicking struct {
	xta.Service
	left atomic.Int32
}

func (p *panicking) Send(ctx context.Context, m *wire.MetaData, c *wire.Container) error {
	if p.left.Add(-1) >= 0 {
		panic("Erika Mustermann")
	}
	return p.Service.Send(ctx, m, c)
}
