package httpapi

import (
	"net/http"
	"strconv"
	"strings"
)

// Document is the OpenAPI 3.1 document of routes.
func Document(routes []Route) map[string]any {
	paths := map[string]any{}
	for i := range routes {
		r := &routes[i]
		item, ok := paths[r.Path].(map[string]any)
		if !ok {
			item = map[string]any{}
			paths[r.Path] = item
		}
		item[strings.ToLower(r.Method)] = r.document()
	}
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": "Amtsbote", "version": "1",
			"summary":     "Events between public authorities.",
			"description": "Who asks is known by a bearer token or a client certificate. Refusals are problems (RFC 9457) in German or English, by Accept-Language.",
			"license":     map[string]any{"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
		},
		"servers":  []any{map[string]any{"url": "/"}},
		"security": []any{map[string]any{"bearer": []any{}}, map[string]any{"certificate": []any{}}},
		"paths":    paths,
		"components": map[string]any{
			"schemas": components(),
			"securitySchemes": map[string]any{
				"bearer":      map[string]any{"type": "http", "scheme": "bearer", "description": "A token that the hub has issued (amtsbote_…), or a JWT of the configured issuer."},
				"certificate": map[string]any{"type": "mutualTLS", "description": "A client certificate that the federation directory assigns to an application."},
			},
		},
	}
}

func (r *Route) document() map[string]any {
	op := r.Operation
	answers := map[string]any{}
	for _, list := range [][]Answer{Common(r.Open), op.Answers} {
		for _, a := range list {
			answers[strconv.Itoa(a.Status)] = a.document()
		}
	}
	out := map[string]any{"operationId": op.ID, "summary": op.Summary, "responses": answers}
	if op.Detail != "" {
		out["description"] = op.Detail
	}
	switch {
	case r.Open && op.Bearer:
		out["security"] = []any{map[string]any{"bearer": []any{}}}
	case r.Open:
		out["security"] = []any{}
	}
	if len(op.Body) > 0 {
		out["requestBody"] = map[string]any{"required": true, "content": contents(op.Body)}
	}
	var params []any
	for _, p := range op.Params {
		params = append(params, map[string]any{"name": p.Name, "in": p.In, "description": p.Detail, "required": p.Required || p.In == "path", "schema": p.Schema})
	}
	if len(params) > 0 {
		out["parameters"] = params
	}
	return out
}

func (a *Answer) document() map[string]any {
	detail := a.Detail
	if detail == "" {
		detail = http.StatusText(a.Status)
	}
	out := map[string]any{"description": detail}
	if len(a.Content) > 0 {
		out["content"] = contents(a.Content)
	}
	headers := map[string]any{}
	for _, name := range a.Headers {
		headers[name] = map[string]any{"schema": Schema{"type": "string"}}
	}
	if len(headers) > 0 {
		out["headers"] = headers
	}
	return out
}

func contents(list []Content) map[string]any {
	out := map[string]any{}
	for _, c := range list {
		out[c.Type] = map[string]any{"schema": c.Schema}
	}
	return out
}

// OpenAPI is the route of the document of all routes, itself included.
func OpenAPI(routes []Route) Route {
	own := Route{
		Method: http.MethodGet, Path: "/openapi.json", Open: true,
		Operation: Operation{ID: "openapi", Summary: "This document.", Answers: []Answer{JSONAnswer(http.StatusOK, "An OpenAPI 3.1 document.", Schema{"type": "object"})}},
	}
	all := append(append([]Route{}, routes...), own)
	own.Handle = func(w http.ResponseWriter, _ *http.Request, _ *Principal) error {
		WriteJSON(w, http.StatusOK, Document(all))
		return nil
	}
	return own
}
