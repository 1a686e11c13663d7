package httpapi

import "net/http"

// Routes are those of the door.
func (d *Door) Routes() []Route {
	return []Route{
		{Method: http.MethodPost, Path: "/events", Handle: d.events, Operation: Operation{
			ID: "publish", Summary: "Hand in an event, or a batch of up to 1000.",
			Detail: "CloudEvents HTTP binding: structured, batch, or binary (headers ce-…, any content type, the body is the data).\n\n" +
				"202 means: stored and synced. 422 means: stored too, but it may not pass; it rests in quarantine, and a corrected event with the same id supersedes it. All others are kept nowhere.",
			Params: eventParams(), Body: eventBodies(),
			Answers: append(doorAnswers(),
				JSONAnswer(http.StatusOK, "An empty batch.", Ref("Results")),
				JSONAnswer(http.StatusAccepted, "Stored and synced, or a duplicate of what is.", Ref("Accepted")),
				JSONAnswer(http.StatusMultiStatus, "A batch: one result for each event, in their order.", Ref("Results")),
				ProblemAnswer(http.StatusServiceUnavailable, "Whether it is stored is not known: send it again unchanged.", "Retry-After"),
				ProblemAnswer(http.StatusInsufficientStorage, "The organisation's quota is full.", "Retry-After")),
		}},
		{Method: http.MethodPost, Path: "/check", Handle: d.check, Operation: Operation{
			ID: "check", Summary: "Ask what would become of an event, or of a batch, if it were handed in.",
			Params: eventParams(), Body: eventBodies(),
			Answers: append(doorAnswers(),
				JSONAnswer(http.StatusOK, "It would be accepted; or an empty batch.", Ref("Checked")),
				JSONAnswer(http.StatusMultiStatus, "A batch: one result for each event, in their order.", Ref("Results")),
				ProblemAnswer(http.StatusServiceUnavailable, "The hub cannot tell just now.", "Retry-After")),
		}},
		{Method: http.MethodGet, Path: "/quarantine/{event}", Handle: d.quarantine, Operation: Operation{
			ID: "quarantine", Summary: "What became of an event that was answered with 422.",
			Params: []Param{{Name: "event", In: "path", Detail: "As the answer gave it.", Schema: text("")}},
			Answers: []Answer{
				JSONAnswer(http.StatusOK, "Its state.", Ref("Quarantined")),
				ProblemAnswer(http.StatusNotFound, "Nothing of the asker's."),
			},
		}},
	}
}

func eventBodies() []Content {
	return []Content{{typeEvent, Ref("Event")}, {typeBatch, list(Ref("Event"))}, {"*/*", Schema{}}}
}

func eventParams() []Param {
	return []Param{
		{Name: "Prefer", In: "header", Detail: "handling=strict: nothing is kept of what may not pass (RFC 7240).", Schema: text("")},
		{Name: "Accept-Language", In: "header", Detail: "de or en.", Schema: text("")},
	}
}

func doorAnswers() []Answer {
	return []Answer{
		ProblemAnswer(http.StatusBadRequest, "No CloudEvent."),
		ProblemAnswer(http.StatusForbidden, "An event is from a source that the sender does not own; nothing of the request is kept."),
		ProblemAnswer(http.StatusRequestTimeout, "The body did not come in time."),
		ProblemAnswer(http.StatusConflict, "The same source and id came before with other content."),
		ProblemAnswer(http.StatusRequestEntityTooLarge, "Too many bytes or events."),
		ProblemAnswer(http.StatusUnsupportedMediaType, "No content type that is taken here."),
		ProblemAnswer(http.StatusUnprocessableEntity, "A CloudEvent that may not pass, with every violation."),
	}
}
