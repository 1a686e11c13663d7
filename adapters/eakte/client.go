package eakte

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// client calls the REST-EAI. It is safe for concurrent use.
type client struct {
	gateway *eai.Lazy
	header  http.Header
}

func newClient(set settings) *client {
	h := http.Header{"Accept": {"application/json"}}
	for name, value := range map[string]string{
		"userlogin": set.UserLogin, "joboe": set.JobOE, "jobposition": set.JobPosition, "x-anwendung": set.Anwendung,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	return &client{gateway: &eai.Lazy{Config: set.EAkte}, header: h}
}

func (c *client) do(ctx context.Context, r eai.Request) ([]byte, error) {
	gateway, err := c.gateway.Client()
	if err != nil {
		return nil, &eai.Error{Code: eai.Away, Blocking: true, Err: err}
	}
	contentType := r.Header.Get("Content-Type")
	r.Header, r.AnyStatus = c.header.Clone(), true
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	raw, err := gateway.Do(ctx, r)
	return raw, judge(raw, err)
}

// post sends JSON.
func (c *client) post(ctx context.Context, body any, path ...string) ([]byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, &eai.Error{Code: eai.Refused}
	}
	return c.do(ctx, eai.Request{Method: http.MethodPost, Path: path, Header: http.Header{"Content-Type": {"application/json"}}, Body: raw})
}

func (c *client) get(ctx context.Context, path ...string) ([]byte, error) {
	return c.do(ctx, eai.Request{Method: http.MethodGet, Path: path})
}

// Object is a Schriftgutobjekt as answers name it.
type Object struct {
	COO, Name string
}

// UnmarshalJSON implements json.Unmarshaler: the YAML of 1.2.5 names the fields name
// and id, the api-doc and the examples objname and objaddress.
func (o *Object) UnmarshalJSON(raw []byte) error {
	var v struct {
		Name, ID, ObjName, ObjAddress string
	}
	if json.Unmarshal(raw, &v) != nil {
		return errObject
	}
	for _, coo := range []string{v.ID, v.ObjAddress} {
		if coo != "" {
			o.COO = coo
		}
	}
	o.Name = v.Name + v.ObjName
	if !cooForm.MatchString(o.COO) {
		return errObject
	}
	return nil
}

var errObject = errors.New("an object without a COO address")

// ReadObjects reads the answer to a search or a question for the objects in another.
// One without a list says that there are none only if it is {} and nothing else.
func ReadObjects(raw []byte) ([]Object, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields == nil {
		return nil, errNoList
	}
	list, there := fields["giobjecttype"]
	if !there && len(fields) > 0 {
		return nil, errNoList // an answer of somebody else: nothing says that there are none
	}
	var all []Object
	if there && json.Unmarshal(list, &all) != nil {
		return nil, errNoList
	}
	return all, nil
}

var errNoList = eai.BadAnswer("not a list of objects")

// Created is the answer to what was made.
type Created struct {
	COO, Name string
	Contents  []Object
}

// ReadCreated reads DmsObjektResponse, and CreateIncomingAntwortDTO.
func ReadCreated(raw []byte) (Created, error) {
	var v struct {
		ID       string   `json:"objid"`
		Name     string   `json:"objname"`
		Contents []Object `json:"giobjecttype"`
	}
	if json.Unmarshal(raw, &v) != nil || !cooForm.MatchString(v.ID) {
		return Created{}, eai.BadAnswer("no COO address of what was made")
	}
	return Created{v.ID, v.Name, v.Contents}, nil
}

// ReadSubject reads the Betreff of ReadFileResponseDTO and ReadProcedureResponseDTO, ""
// for none. Each names what it lies in.
func ReadSubject(raw []byte) (string, error) {
	var v struct {
		Subject   *string          `json:"filesubj"`
		Place     *json.RawMessage `json:"apentry"`
		Procedure *json.RawMessage `json:"referrednumber"`
	}
	if json.Unmarshal(raw, &v) != nil || v.Subject == nil && v.Place == nil && v.Procedure == nil {
		return "", eai.BadAnswer("an object that cannot be read")
	}
	if v.Subject == nil {
		return "", nil
	}
	return *v.Subject, nil
}

// find looks for the object of a kind ("files", "procedures") that bears the mark as
// its subject. The search may find more: each hit is read. "" for none.
func (c *client) find(ctx context.Context, kind string, criteria map[string]string, mark string) (string, error) {
	criteria["filesubj"] = mark
	raw, err := c.post(ctx, criteria, kind, "search")
	if err != nil {
		return "", err
	}
	hits, err := ReadObjects(raw)
	if err != nil {
		return "", err
	}
	var fit []string
	for _, hit := range hits[:min(len(hits), maxHits)] {
		raw, err := c.get(ctx, kind, hit.COO)
		if err != nil {
			return "", err
		}
		if subject, err := ReadSubject(raw); err != nil {
			return "", err
		} else if subject == mark {
			fit = append(fit, hit.COO)
		}
	}
	if len(fit) == 0 {
		if len(hits) > maxHits {
			return "", &eai.Error{Code: "zu-viele-treffer", Blocking: true, Err: errors.New("the search does not mind the subject")}
		}
		return "", nil
	}
	return slices.Min(fit), nil // always the same, if somebody has made two
}

// maxHits is how many hits of a search are read; a mark is unique.
const maxHits = 20

// within lists the objects in another (procedureObjects, documentObjects).
func (c *client) within(ctx context.Context, kind, coo string) ([]Object, error) {
	raw, err := c.get(ctx, kind, coo)
	if err != nil {
		return nil, err
	}
	return ReadObjects(raw)
}

// create makes an object of JSON.
func (c *client) create(ctx context.Context, kind string, body map[string]string) (Created, error) {
	raw, err := c.post(ctx, body, kind)
	if err != nil {
		return Created{}, err
	}
	return ReadCreated(raw)
}

// file makes an Eingang with its documents. A document that cannot be read is the
// error, not what the gateway makes of it.
func (c *client) file(ctx context.Context, params map[string]string, docs []document, blobs opener) (Created, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	u, err := newUpload(ctx, params, docs, blobs)
	if err != nil {
		return Created{}, err
	}
	raw, err := c.do(ctx, eai.Request{Method: http.MethodPost, Path: []string{"incomings"}, Header: http.Header{"Content-Type": {u.contentType}}, Stream: io.Reader(u.PipeReader)})
	cancel()
	if broken := u.end(); broken != nil && err != nil {
		return Created{}, broken
	}
	if err != nil {
		return Created{}, err
	}
	return ReadCreated(raw)
}

// fault is what the hub is told.
func fault(doing string, err error) error {
	if f, ok := errors.AsType[*hub.Fault](err); ok {
		return f // of a document
	}
	return eai.Fault(doing, err)
}
