package schemas

import (
	"regexp"

	"github.com/amtsbote/amtsbote/hub"
)

// common are the event attributes that every type may carry: the CloudEvents
// core and the extensions that the hub reads or lets pass.
var common = map[string]bool{
	"specversion": true, "id": true, "source": true, "type": true,
	"datacontenttype": true, "dataschema": true, "subject": true, "time": true,
	hub.AttrCorrelationID: true, hub.AttrCausationID: true, hub.AttrTraceparent: true, hub.AttrTracestate: true,
	hub.AttrDataRef: true, hub.AttrDataClassification: true, hub.AttrDataRegulation: true, hub.AttrDataCategory: true,
	hub.AttrExpiryTime: true, hub.AttrSequence: true, hub.AttrPartitionKey: true, hub.AttrAGS: true,
}

// CommonAttribute tells whether events of every type may carry the attribute.
func CommonAttribute(name string) bool { return common[name] }

var (
	attributeName = regexp.MustCompile(`^[a-z0-9]{1,20}$`)
	conditionName = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)
	markName      = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
)
