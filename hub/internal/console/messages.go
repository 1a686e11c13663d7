package console

import (
	"net/http"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// messages are all texts of the console in one language. Each stands once below, with
// both languages side by side; TestMessages finds one that is missing.
type messages struct {
	Broken, Product, Skip, Navigation, TestSystem, Overview, Search, Quarantine, JustNow, OutcomeAnyQuarantine, OldestUndecided, AllWrong, PassesNow, FormLarge, FormLargeText, CaseMany, SetAsideWhere, CountDuplicates, CountWaiting, Stale, StaleText, OnlyForms string
	ParkedKeys, Streams, Catalogue, Agreements, Acts, Language, Theme, ThemeLight                                                                                                                                                                                   string
	ThemeDark, ThemeAuto, Logout, LoggedInAs, RoleLocal, RoleSteward, RoleFederation, RoleOperator                                                                                                                                                                  string
	RoleAuditor, Login, LoginOIDC, LoginOIDCText, LoginLocal, LoginFailed, Never, Seconds                                                                                                                                                                           string
	Minutes, Hours, Days, AgoFormat, Organisation, AllOrganisations, Show, Today                                                                                                                                                                                    string
	CountAccepted, CountRouted, CountDone, CountRefusedToday, CountDoor, CountExpired, CountQuarantine, CountParked                                                                                                                                                 string
	WhoTalks, Picture, Table, GraphLabel, GraphLegend, GraphToday, GraphErrors, NothingToday, Sender, Receiver, EventsToday, PerMinute                                                                                                                              string
	Waiting, MoreWays, EndingSoon, NothingEnding, Until, Over, LiveOn, LiveOff                                                                                                                                                                                      string
	LiveLost, SearchWhat, SearchHint, SearchFind, FilterTitle, Application, EventType, Outcome                                                                                                                                                                      string
	From, To, Any, Events, NoEvents, NoEventsYet, NoMoment, Older, Next                                                                                                                                                                                             string
	Time, Type, ID, Case, Receivers, OutcomeRouted, OutcomeUnrouted, OutcomeQuarantined                                                                                                                                                                             string
	OutcomeSuppressed, OutcomeParked, ResultDone, ResultRefused, ResultExpired, ResultParked, ResultWaiting, NotFoundTitle                                                                                                                                          string
	NotFoundText, NotFoundWhere, NotFoundDoor, NotFoundQuarantine, NotFoundFiles, NotFoundLast, NotFoundLastText, Event                                                                                                                                             string
	Accepted, FromBy, Authority, Source, Adapter, Decided, Place, Verdict                                                                                                                                                                                           string
	FederationVersion, Digest, DuplicateOf, ReleasedFrom, ContinuedAs, Before, Removed, RemovedText                                                                                                                                                                 string
	WhoGot, NobodyGot, OwnOnly, Agreement, Law, Purpose, Fields, AllFields                                                                                                                                                                                          string
	AttemptN, Attempts, AttemptFailed, AttemptNext, AttemptsMore                                                                                                                                                                                                    string
	CutFields, State, Attempt, After, ParkedSince, WhoElse, Reason, SameCase                                                                                                                                                                                        string
	WholeCase, Payload, PayloadMasked, PayloadFull, PayloadNoSight, PayloadGone, PayloadUnreadable, PayloadCut                                                                                                                                                      string
	SchemaHeld, SchemaHolds, SchemaBroken, SchemaNotAsked, TrailRecord, ReceiptsToSender                                                                                                                                                                            string
	ReceiptAccepted, ReceiptRefused, ReceiptGivenBack, ReceiptDelivered, ReceiptExpired                                                                                                                                                                             string
	Hidden, UnknownField, WrongHere, LookTitle, LookText, LookReason, LookButton, CaseWaits                                                                                                                                                                         string
	CaseBegan, CaseSteps, QuarantineText, QuarantineEmpty, Number, Group, Refused, WhatIsWrong                                                                                                                                                                      string
	Attributes, Name, Value, Unreadable, Size, BackToGroup, ParkedText, ParkedLong, ParkedEmpty                                                                                                                                                                     string
	Key, Since, DirectionIn, DirectionOut, Underway, Release, ReturnToSender, ReasonField                                                                                                                                                                           string
	Act, SaidRelease, SaidReturn, SaidReason, ActRelease, ActReturn, ActLook, ActDenied                                                                                                                                                                             string
	ActOther, ActsEmpty, ActsText, Who, Mailboxes, Mode, Contents, Filled                                                                                                                                                                                           string
	LastTaken, InStreams, Stream, HubsOwn, Messages, Adapters, Kind, LastEvent                                                                                                                                                                                      string
	FilesInError, None, CatalogueText, Personal, Description, Pointer, Category, Meaning                                                                                                                                                                            string
	Block, Versions, KeptFor, OneDay, ManyDays, OneHour, ManyHours, OneMinute, ManyMinutes, RawSchema, FindAgreement, AgreementsFound                                                                                                                               string
	NoAgreements, InForce, NotInForce, Approvals, LawUnchecked, Validity, Open, NoAccess                                                                                                                                                                            string
	NoAccessText, NoPage, NoPageText, LoggedOut, LoggedOutText, TooMany, TooManyText, Fault                                                                                                                                                                         string
	Organisations, AgreementMatrix, MatrixText, MatrixLink, MatrixMore, ListLink, Examples, ExampleValid                                                                                                                                                            string
	ExampleBroken, Changes, ChangesText, ChangesNone, WholeData, DeclaredSeen, DeclaredSeenText, Declared                                                                                                                                                           string
	NotDeclared, LastSeen, NotSeen, MoreParties, ChangeAdded, ChangeRemoved, ChangeRequired, ChangeOptional                                                                                                                                                         string
	ChangeKeep, ChangeAttributes, ChangeMark, ChangeRule, ChangeCategory, ChangeText, LawSays, Activity, Where, Always, Retained                                                                                                                                    string
	NoLimit, Within, Receipts, ApprovalStale, ApprovalMissing, ApprovalGood, ApprovedOn, Reference                                                                                                                                                                  string
	AgreementText, Discloses, BlocksPass, BlocksStop, Applications, Authorities, FindName, OrganisationsFound                                                                                                                                                       string
	Role, Contact, NoContact, Contract, Unit, Sources, Credentials, CredentialUntil                                                                                                                                                                                 string
	Suspended, NoCredential, AuthoritiesFound, RoleIsAuthority, RoleIsOperator, Quota, Office, HandsOver                                                                                                                                                            string
	FaultText, IssuerGone, IssuerGoneText, Busy, BusyText                                                                                                                                                                                                           string

	// clearing quarantine
	Cleared, ClearTitle, ClearReason, ClearResubmit, ClearReturn, ClearDiscard                                           string
	ClearText, ClearNoReceipts, ClearCopy, Edit, EditFirst, EditText                                                     string
	EditField, EditButton, EditNoText, EditTooLarge, StillWrong, DoneBy                                                  string
	DigestBefore, DigestAfter, OriginalTitle, OriginalUntil, Work, WorkOwner                                             string
	WorkNobody, WorkDue, WorkOverdue, WorkTake, WorkHand, WorkHandButton                                                 string
	WorkDueButton, WorkNote, WorkNoteButton, Bulk, BulkPreview, BulkCount                                                string
	BulkFirst, BulkTried, BulkPassing, BulkText, BulkStart, Runs                                                         string
	RunsText, RunsEmpty, RunsReload, RunDone, RunLeft, RunOf                                                             string
	RunGoes, RunHalted, RunEnded, RunStop, RunStopped, SaidResubmit                                                      string
	SaidGivenBack, SaidDiscard, SaidUnderway, SaidWork, SaidEmpty, SaidNotDone                                           string
	SaidRun, SaidRunStop, SaidRunOver, ActResubmit, ActEdit, ActGivenBack                                                string
	ActDiscard, ActBulk, ActBulkStop, ActBulkEnd, ActWork                                                                string
	WayErrors, FoundBy, FoundMany, Tail, TailText, TailSkipped, TailRefresh, TailBack, TailEmpty                         string
	Mailbox, InStream, ChartTitle, ChartText, ChartCopies, ChartSettled, ChartHour, Oldest                               string
	InHand, Redelivered, PausedSince, PausedBy, PauseTitle, PauseText, PauseReceiverText, PauseButton                    string
	GoOnButton, SaidPause, SaidGoOn, ActPause, ActGoOn, ActHookPause, ActHookResume, CountPaused                         string
	LastPoll, PollUnknown, FilesWaiting, Broke, SetAsideWhy, CredentialsOf, Expires, CredentialNATS                      string
	CredentialToken, NoCredentials, RefusedToday, CredentialsEnding, NoCredentialsEnding, Move, MovePaused, MoveOperator string
	MoveWaits, MoveFiles, MoveDoor, MoveSender, NotFoundKept                                                             string
	// replays
	Replays, ReplaysText, ReplaysEmpty, ReplayNew, ReplayNewText, ReplayScope, ReplayLocal, ReplayNobody, ReplayLook        string
	ReplayFound, ReplayFoundText, ReplayPartial, ReplayNone, ReplayActs, ReplayWouldGo, ReplayWouldNot, ReplayWhy           string
	ReplayAskTitle, ReplayAskText, ReplayRate, ReplayRateHint, ReplayAsk, ReplayState, ReplayProgress, ReplayOfExpected     string
	ReplayRequestedBy, ReplayApprovedBy, ReplayRejectedBy, ReplayCancelledBy, ReplayEnded, ReplayApprove, ReplayReject      string
	ReplayCancel, ReplayApproveText, ReplayRejectText, ReplayCancelText, ReplayOwn, ReplayQueued, ReplayWaits, ReplayReload string
	ReplayRequested, ReplayLapsed, ReplayRejected, ReplayRunning, ReplayCancelling, ReplayCancelled, ReplayDone             string
	ReplayFrom, ReplayTo, ReplayAgreement, ReplayCopies, ReplayBad, ReplayTooMany, ReplayBusy, ReplayPast, ReplaySame       string
	ReplayStarting, ReplayDecidedAs, SaidReplayWanted, SaidReplayApproved, SaidReplayRejected, SaidReplayCancelled          string
	ActReplayLook, ActReplayRequest, ActReplayApprove, ActReplayReject, ActReplayCancel, ActReplayEnd, ReplayOfEvent        string
}

// in picks one of two texts.
type in func(de, en string) string

func catalogue(lang string) *messages {
	if lang == "en" {
		return english
	}
	return german
}

var (
	german  = newMessages(func(de, _ string) string { return de })
	english = newMessages(func(_, en string) string { return en })
)

func newMessages(t in) *messages {
	m := &messages{}
	m.frame(t)
	m.overview(t)
	m.search(t)
	m.event(t)
	m.attempts(t)
	m.quarantine(t)
	m.clearing(t)
	m.runs(t)
	m.rest(t)
	m.running(t)
	m.types(t)
	m.parties(t)
	m.replay(t)
	return m
}

// outcome names what was decided about an event, or what became of a copy.
func (m *messages) outcome(key string) string {
	switch key {
	case "routed":
		return m.OutcomeRouted
	case "unrouted":
		return m.OutcomeUnrouted
	case "quarantined":
		return m.OutcomeQuarantined
	case "suppressed":
		return m.OutcomeSuppressed
	case "parked":
		return m.OutcomeParked
	case "done":
		return m.ResultDone
	case "refused":
		return m.ResultRefused
	case "expired":
		return m.ResultExpired
	}
	return key
}

// ActName is act for templates.
func (m *messages) ActName(key string) string { return m.act(key) }

// act names what a person had the hub do.
func (m *messages) act(key string) string {
	switch key {
	case decision.ActRelease:
		return m.ActRelease
	case decision.ActReturn:
		return m.ActReturn
	case decision.ActLook:
		return m.ActLook
	case decision.ActPause:
		return m.ActPause
	case decision.ActGoOn:
		return m.ActGoOn
	case "webhook-pause":
		return m.ActHookPause
	case "webhook-resume":
		return m.ActHookResume
	case decision.ActDenied:
		return m.ActDenied
	}
	if text, ok := m.clearingActs()[key]; ok {
		return text
	}
	if text := m.replayAct(key); text != "" {
		return text
	}
	return m.ActOther + " " + key
}

// said are the sentences that a page can be asked to show.
func (m *messages) said() map[string]string {
	out := m.saidOfClearing()
	out[decision.ActRelease], out[decision.ActReturn], out["reason"] = m.SaidRelease, m.SaidReturn, m.SaidReason
	out[decision.ActPause], out[decision.ActGoOn] = m.SaidPause, m.SaidGoOn
	out[decision.ActReplayRequest], out[decision.ActReplayApprove] = m.SaidReplayWanted, m.SaidReplayApproved
	out[decision.ActReplayReject], out[decision.ActReplayCancel] = m.SaidReplayRejected, m.SaidReplayCancelled
	return out
}

// failures are title and text of the pages that say why there is none.
func (m *messages) failures() map[int][2]string {
	return map[int][2]string{
		http.StatusForbidden: {m.NoAccess, m.NoAccessText}, http.StatusNotFound: {m.NoPage, m.NoPageText},
		http.StatusRequestEntityTooLarge: {m.FormLarge, m.FormLargeText},
		http.StatusMethodNotAllowed:      {m.NoPage, m.OnlyForms},
		http.StatusUnauthorized:          {m.LoggedOut, m.LoggedOutText}, http.StatusTooManyRequests: {m.TooMany, m.TooManyText},
		http.StatusInternalServerError: {m.Fault, m.FaultText}, http.StatusBadGateway: {m.IssuerGone, m.IssuerGoneText},
		http.StatusServiceUnavailable: {m.Busy, m.BusyText},
	}
}
