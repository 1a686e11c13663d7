package send

import (
	"errors"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
	"github.com/amtsbote/amtsbote/hub"
)

// loginPause is how long nothing is tried when the service does not let us in.
const loginPause = time.Minute

// fault says what an error of the service means for the hub.
func (x *sink) fault(err error) error {
	e, is := errors.AsType[*client.Error](err)
	_, isFault := errors.AsType[*hub.Fault](err)
	switch {
	case errors.Is(err, errExpired):
		return hub.Retryable("fit-expired", "submit: %w", err)
	case !is || isFault:
		return err
	case e.After > 0: // asked to wait
		return &hub.Fault{Code: "fit-busy", Later: true, After: e.After, Err: err}
	}
	switch e.Class {
	case client.Login: // no event is to blame
		return &hub.Fault{Code: "fit-login", Later: true, After: loginPause, Err: err}
	case client.Unlinked: // nor is one for what nobody has connected in the portal
		return &hub.Fault{Code: "fit-forbidden", Later: e.Own, After: loginPause, Err: err}
	case client.Gone:
		return hub.Permanent("fit-not-found", "%w", err)
	case client.Refused:
		return hub.Permanent("fit-refused", "%w", err)
	}
	return hub.Retryable("fit-away", "%w", err)
}
