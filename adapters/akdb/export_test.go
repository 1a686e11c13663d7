package akdb

import "github.com/amtsbote/amtsbote/hub"

// SetProduction makes an XTA source one of production, without the certificate
// that its settings would need there.
func SetProduction(s hub.Source) { s.(*xtaSource).messages.production = true } //nolint:errcheck // tests know it is one

// CleanName makes a name fit for the transport.
var CleanName = cleanName

// OnlyPassedOver says whether a round went around messages and nothing else failed.
var OnlyPassedOver = onlyPassedOver

// PassedOver marks the failure of one message.
func PassedOver(err error) error { return passedOver{err} }
