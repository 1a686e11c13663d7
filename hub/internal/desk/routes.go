package desk

import (
	"net/http"
	"strconv"

	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
)

// Routes are what a Door answers.
func (h *Door) Routes() []httpapi.Route {
	return []httpapi.Route{
		{
			Method: http.MethodPost, Path: "/mailboxes/{app}/lease", Stream: true, Handle: h.lease,
			Operation: httpapi.Operation{
				ID: "leaseEvents", Summary: "Leases events of the application's own mailbox.",
				Detail: "Waits until there is one, at most `wait` seconds. One event a key is handed out at a time, in order. " +
					"What is not settled when its lease ends comes again, with `redelivered` set and the same `delivery`.",
				Params: []httpapi.Param{appParam},
				Body:   []httpapi.Content{{Type: "application/json", Schema: leaseSchema}},
				Answers: append([]httpapi.Answer{
					httpapi.JSONAnswer(http.StatusOK, "What was leased; none when nothing came in time.", object(map[string]any{
						"events": list(leasedSchema),
					}, "events")),
				}, problems(true)...),
			},
		},
		{
			Method: http.MethodPost, Path: "/mailboxes/{app}/settle", Stream: true, Handle: h.settle,
			Operation: httpapi.Operation{
				ID: "settleEvents", Summary: "Settles leased events.",
				Detail: "One result an item, in order. `done` and `refused` are answered when they are recorded in the trail; " +
					"`gone`: the lease is lost and the event comes again; `unconfirmed`: the hub is stopping, and if it was not recorded the event comes again.",
				Params: []httpapi.Param{appParam},
				Body:   []httpapi.Content{{Type: "application/json", Schema: list(itemSchema)}},
				Answers: append([]httpapi.Answer{
					httpapi.JSONAnswer(http.StatusOK, "One result an item, in order.", list(resultSchema)),
				}, problems(true)...),
			},
		},
		{
			Method: http.MethodGet, Path: "/mailboxes/{app}/events", Stream: true, Handle: h.stream,
			Operation: httpapi.Operation{
				ID: "streamEvents", Summary: "Streams leased events of the application's own mailbox (Server-Sent Events).",
				Detail: "Each message of the type `delivery` is a leased event, to be settled by `settle`. Several clients share a mailbox. " +
					"When the connection ends, what is not settled comes again at once. A comment is sent every 15 seconds. " +
					"The stream ends when its credential does.",
				Params: []httpapi.Param{
					appParam,
					{Name: "max", In: "query", Detail: "Events that are not settled at a time.", Schema: whole(1, maxEvents, defaultSSE)},
					{Name: "lease", In: "query", Detail: "Seconds to settle an event.", Schema: whole(1, maxLease, defaultLease)},
				},
				Answers: append([]httpapi.Answer{{
					Status: http.StatusOK, Detail: "The stream.",
					Content: []httpapi.Content{{Type: "text/event-stream", Schema: httpapi.Schema{"type": "string"}}},
				}}, problems(false)...),
			},
		},
		h.blobRoute(),
	}
}

// blobRoute is where the bytes are that a leased event refers to.
func (h *Door) blobRoute() httpapi.Route {
	return httpapi.Route{
		Method: http.MethodGet, Path: "/mailboxes/{app}/blobs/{ref}", Stream: true, Handle: h.blob,
		Operation: httpapi.Operation{
			ID: "getBlob", Summary: "Gives the bytes to which a leased event refers.",
			Detail: "Only while an event of the application's own mailbox is leased in whose data the reference stands.",
			Params: []httpapi.Param{appParam, {Name: "ref", In: "path", Required: true, Detail: "As it stands in the event.", Schema: text}},
			Answers: append([]httpapi.Answer{{
				Status: http.StatusOK, Detail: "The bytes.",
				Content: []httpapi.Content{{Type: "application/octet-stream", Schema: httpapi.Schema{}}},
			}}, problems(false)...),
		},
	}
}

var appParam = httpapi.Param{
	Name: "app", In: "path", Required: true, Detail: "The application that asks, as <organisation>.<application>.", Schema: text,
}

func problems(body bool) []httpapi.Answer {
	out := []httpapi.Answer{
		httpapi.ProblemAnswer(http.StatusBadRequest, "The request is not as described here."),
		httpapi.ProblemAnswer(http.StatusNotFound, "The asker has no such mailbox of mode http."),
		httpapi.ProblemAnswer(http.StatusTooManyRequests, "More than the application or its organisation may ask a second, or more than "+strconv.Itoa(Requests)+" leases and streams of the application at the same time.", "Retry-After"),
	}
	if body {
		out = append(out,
			httpapi.ProblemAnswer(http.StatusRequestTimeout, "The body did not come in time."),
			httpapi.ProblemAnswer(http.StatusRequestEntityTooLarge, "The body has more than 1 MiB."))
	}
	return out
}

// The schemas of bodies.
var (
	text        = httpapi.Schema{"type": "string"}
	leaseSchema = object(map[string]any{
		"max": whole(1, maxEvents, 1), "wait": whole(0, maxWait, 0), "lease": whole(1, maxLease, defaultLease),
	})
	leasedSchema = object(map[string]any{
		"token": text, "delivery": text, "attempt": httpapi.Schema{"type": "integer", "minimum": 1},
		"redelivered": httpapi.Schema{"type": "boolean"}, "agreement": text, "until": moment,
		"event": httpapi.Schema{"type": "object", "description": "The CloudEvent in its JSON format."},
	}, "token", "delivery", "attempt", "redelivered", "agreement", "until", "event")
	moment     = httpapi.Schema{"type": "string", "format": "date-time"}
	itemSchema = object(map[string]any{
		"token": text, "outcome": choice(Done, Later, Refuse, Extend),
		"after":   httpapi.Schema{"type": "integer", "minimum": 0, "maximum": maxAfter, "description": "Seconds, for later."},
		"untried": httpapi.Schema{"type": "boolean", "description": "For later: nothing was tried, so it counts as no attempt and the key is not parked for it."},
		"lease":   httpapi.Schema{"type": "integer", "minimum": 1, "maximum": maxLease, "description": "Seconds from now, for extend."},
		"reason":  httpapi.Schema{"type": "string", "pattern": reasonPattern.String(), "description": "A code of the application's own, for refuse and later; it stands in the trail."},
	}, "token", "outcome")
	resultSchema = object(map[string]any{
		"token": text, "until": moment,
		"result": choice(ResultDone, ResultLater, ResultRefused, ResultExtended, ResultGone, ResultUnconfirmed),
	}, "token", "result")
)

func object(properties map[string]any, required ...string) httpapi.Schema {
	s := httpapi.Schema{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func list(of httpapi.Schema) httpapi.Schema { return httpapi.Schema{"type": "array", "items": of} }

func whole(least, most, otherwise int) httpapi.Schema {
	return httpapi.Schema{"type": "integer", "minimum": least, "maximum": most, "default": otherwise}
}

func choice[T any](of ...T) httpapi.Schema { return httpapi.Schema{"type": "string", "enum": of} }
