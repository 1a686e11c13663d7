package console

import (
	"net/url"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// actsPage is what people had the hub do.
type actsPage struct {
	Acts []actRow
	More string // link to older ones
}

type actRow struct {
	Act, Application, Who, Reason string
	At                            time.Time
}

const actsShown = 200

func (q *request) acts() error {
	if q.person.all() < federation.SightMetadata {
		return errForbidden
	}
	behind, _ := search.ReadPlace(q.r.FormValue("behind"))
	acts, more, err := q.cfg.Hub.Search().Acts(behind, actsShown)
	if err != nil {
		return err
	}
	data := &actsPage{}
	if more != (search.Place{}) {
		data.More = "/acts?" + url.Values{"behind": {more.String()}}.Encode()
	}
	for _, a := range acts {
		data.Acts = append(data.Acts, actRow{q.t.act(a.Act), a.Application, a.Who, a.Reason, a.At})
	}
	return q.show("acts", q.t.Acts, data)
}
