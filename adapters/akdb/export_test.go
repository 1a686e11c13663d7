package akdb

import "github.com/amtsbote/amtsbote/hub"

// SetProduction makes an XTA source one of production, without the certificate
// that its settings would need there.
func SetProduction(s hub.Source) { s.(*xtaSource).messages.production = true } //nolint:errcheck // tests know it is one
