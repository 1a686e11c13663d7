// Package adapters is the literal list of everything that Amtsbote can be
// connected with. A kind is added by its line here; README.md says how one is
// made.
package adapters

import (
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/aenderungen"
	"github.com/amtsbote/amtsbote/adapters/akdb/akdbsim"
	"github.com/amtsbote/amtsbote/adapters/akdb/ewosim"
	"github.com/amtsbote/amtsbote/adapters/akdb/okewo"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkommsim"
	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehr"
	"github.com/amtsbote/amtsbote/adapters/akdb/okverkehrsim"
	"github.com/amtsbote/amtsbote/adapters/akdb/personensuche"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/adapters/csvdatei"
	"github.com/amtsbote/amtsbote/adapters/dataport"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/adapters/dataport/send"
	"github.com/amtsbote/amtsbote/adapters/digiwf"
	"github.com/amtsbote/amtsbote/adapters/digiwf/digiwfsim"
	"github.com/amtsbote/amtsbote/adapters/eakte"
	"github.com/amtsbote/amtsbote/adapters/eakte/eaktesim"
	"github.com/amtsbote/amtsbote/adapters/filedrop"
	"github.com/amtsbote/amtsbote/adapters/open311"
	"github.com/amtsbote/amtsbote/adapters/open311/open311sim"
	"github.com/amtsbote/amtsbote/adapters/phoenix"
	"github.com/amtsbote/amtsbote/adapters/phoenix/phoenixsim"
	"github.com/amtsbote/amtsbote/adapters/postgres"
	"github.com/amtsbote/amtsbote/adapters/webhookin"
	"github.com/amtsbote/amtsbote/adapters/zms"
	"github.com/amtsbote/amtsbote/adapters/zms/zmssim"
	"github.com/amtsbote/amtsbote/hub"
)

// Kinds lists every kind of adapter by name.
func Kinds() []hub.Kind {
	return []hub.Kind{
		akdb.Kind(),
		akdb.XTA(),
		aenderungen.Kind(),
		okkomm.Kind(),
		okverkehr.Kind(),
		personensuche.Kind(),
		dataport.Kind(),
		send.Kind(),
		digiwf.Kind(),
		filedrop.Kind(),
		csvdatei.Kind(),
		webhookin.Kind(),
		open311.Kind(),
		zms.Kind(),
		eakte.Kind(),
		postgres.Outbox(),
		postgres.Inbox(),
		phoenix.Matrix(),
		phoenix.Nextcloud(),
		phoenix.Mail(),
		phoenix.WebDAV(),
	}
}

// Simulators lists every foreign system that can be played in examples and
// tests.
func Simulators() []hub.Simulator {
	return []hub.Simulator{
		akdbsim.Simulator(),
		okewo.Simulator(),
		xtasim.Simulator(),
		ewosim.Simulator(),
		okkommsim.Simulator(),
		okverkehrsim.Simulator(),
		fitsim.Simulator(),
		open311sim.Simulator(),
		digiwfsim.Simulator(),
		zmssim.Simulator(),
		eaktesim.Simulator(),
		phoenixsim.Simulator(),
	}
}
