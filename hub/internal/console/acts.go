package console

import (
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// actsPage is what people had the hub do.
type actsPage struct{ Acts []actRow }

type actRow struct {
	Act, Application, Who, Reason string
	At                            time.Time
}

const actsShown = 200

func (q *request) acts() error {
	if q.person.all() < federation.SightMetadata {
		return errForbidden
	}
	acts, err := q.cfg.Hub.Search().Acts(actsShown)
	if err != nil {
		return err
	}
	data := &actsPage{}
	for _, a := range acts {
		data.Acts = append(data.Acts, actRow{q.t.act(a.Act), a.Application, a.Who, a.Reason, a.At})
	}
	return q.show("acts", q.t.Acts, data)
}
