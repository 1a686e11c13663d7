package httpapi

import "net/http"

// Handler answers a request of p; p is nil on an Open route. A returned *Problem is
// written as the answer if nothing was written before; any other error is a fault of
// the hub: it is logged, and answered with 500.
type Handler func(w http.ResponseWriter, r *http.Request, p *Principal) error

// Route is one method and path, and all that the OpenAPI document says of it. Other
// packages contribute theirs by Config.Routes.
type Route struct {
	Method string
	// Path is a pattern of http.ServeMux without method and host: "/mailboxes/{app}/lease".
	Path string
	// Open routes are answered without authentication.
	Open bool
	// Stream routes have no deadline for their answer (SSE, long polls): the handler
	// ends with the request's context, which is cancelled by Server.Close too.
	Stream    bool
	Operation Operation
	Handle    Handler
}

// Operation describes a Route. Every status that the handler can answer stands in
// Answers, but for those that any route can: see Common.
type Operation struct {
	ID      string // unique, in camelCase
	Summary string // English, one sentence
	Detail  string // Markdown; "" for none
	// Bearer says that an Open route asks for a bearer token itself.
	Bearer bool
	Params []Param
	// Body is what is taken, by media type; none: no body.
	Body    []Content
	Answers []Answer
}

// Param is a parameter of the path, the query or a header.
type Param struct {
	Name, In, Detail string
	Required         bool
	Schema           Schema
}

// Content is a body of one media type.
type Content struct {
	Type   string // media type
	Schema Schema
}

// Answer is a status with what comes with it.
type Answer struct {
	Status  int
	Detail  string
	Content []Content // none: no body
	Headers []string  // names of headers that it carries, Retry-After for example
}

// Schema is a JSON Schema 2020-12, as OpenAPI 3.1 has it.
type Schema map[string]any

// ProblemAnswer is an Answer that is a problem (RFC 9457).
func ProblemAnswer(status int, detail string, headers ...string) Answer {
	return Answer{Status: status, Detail: detail, Headers: headers, Content: []Content{{ProblemType, Ref("Problem")}}}
}

// JSONAnswer is an Answer in JSON.
func JSONAnswer(status int, detail string, s Schema) Answer {
	return Answer{Status: status, Detail: detail, Content: []Content{{"application/json", s}}}
}

// Ref is a reference to one of the document's own schemas.
func Ref(name string) Schema { return Schema{"$ref": "#/components/schemas/" + name} }

// Common are the answers that any route can give: those of the server itself.
// Without authentication there is neither 401 nor 429.
func Common(open bool) []Answer {
	out := []Answer{ProblemAnswer(http.StatusInternalServerError, "A fault of the hub.")}
	if !open {
		out = append(out,
			ProblemAnswer(http.StatusUnauthorized, "Nobody, or nobody known, asks.", "WWW-Authenticate"),
			ProblemAnswer(http.StatusTooManyRequests, "More than the application or its organisation may ask a second.", "Retry-After"))
	}
	return out
}

// describes tells whether status is one of the route's answers.
func (r *Route) describes(status int) bool {
	for _, list := range [][]Answer{r.Operation.Answers, Common(r.Open)} {
		for _, a := range list {
			if a.Status == status {
				return true
			}
		}
	}
	return false
}
