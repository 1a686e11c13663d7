package console

import (
	"errors"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/replay"
)

func (m *messages) replay(t in) {
	m.Replays = t("Wiederholungen", "Replays")
	m.ReplaysText = t("Eine Wiederholung bringt einem Empfänger erneut, was er schon bekommen sollte: soweit es noch aufbewahrt ist, nach den Übermittlungsregeln, die dann in Kraft sind, und mit einem Kennzeichen. Sie beginnt erst, wenn eine zweite Person zugestimmt hat.", "A replay brings a receiver again what it was sent before: as far as that is still kept, by the agreements in force then, and with a mark. It begins only when a second person has approved.")
	m.ReplaysEmpty = t("Es gibt keine Wiederholungen.", "There are no replays.")
	m.ReplayNew = t("Neue Wiederholung", "New replay")
	m.ReplayNewText = t("Zuerst wird nur gezählt. Ohne Angaben gilt alles, was noch aufbewahrt ist. Welche Ereignisse schon übernommen sind, wird nicht beachtet: Auch sie gehen noch einmal an den Empfänger.", "First it is only counted. What is left open means all that is still kept. It makes no difference which events were taken over already: they, too, go to the receiver once more.")
	m.ReplayScope = t("Umfang", "Scope")
	m.ReplayLocal = t("Am Einzelplatz gibt es keine zweite Person: Hier lässt sich zählen und ansehen, aber keine Wiederholung verlangen. Dazu muss die Konsole an einem Anmeldedienst hängen.", "With a single user there is no second person: you can count and look here, but not ask for a replay. For that the console needs an identity provider.")
	m.ReplayNobody = t("Sie dürfen für kein Fachverfahren mit Eingangsfach eine Wiederholung verlangen.", "There is no application with a mailbox for which you may ask for a replay.")
	m.ReplayLook = t("Probelauf: nur zählen", "Dry run: only count")
	m.ReplayFound = t("Ergebnis des Probelaufs", "What the dry run found")
	m.ReplayFoundText = t("Nichts wurde gesendet. Beim Wiederholen wird jedes Ereignis neu geprüft; die Zahlen können sich bis dahin ändern.", "Nothing was sent. Each event is checked anew when it is its turn; the numbers may change until then.")
	m.ReplayPartial = t("Die Zeit reichte nicht, um zu Ende zu zählen: Es sind mindestens so viele.", "There was not enough time to count to the end: there are at least as many.")
	m.ReplayActs = t("Achtung: An diesem Eingangsfach arbeitet ein Adapter. Er erkennt eine Wiederholung nicht als solche und kann ein zweites Mal handeln: einen Termin reservieren, einen Vorgang beginnen, eine Nachricht senden. Seine Antworten gehen als neue Ereignisse ohne Kennzeichen an deren Empfänger.", "Careful: an adapter works on this mailbox. It does not know a replay as one and may act a second time: reserve an appointment, begin a process, send a message. Its answers go as new events, without a mark, to whoever receives those.")
	m.ReplayNone = t("In diesem Umfang gibt es nichts zu wiederholen.", "There is nothing to replay within this scope.")
	m.ReplayWouldGo = t("gehen erneut", "go again")
	m.ReplayWouldNot = t("gehen nicht", "do not go")
	m.ReplayWhy = t("Entscheidung", "Decision")
	m.ReplayAskTitle = t("Wiederholung verlangen", "Ask for the replay")
	m.ReplayAskText = t("Grund, Ihr Name und der Umfang stehen im Nachweis. Eine andere Person muss innerhalb von drei Tagen zustimmen.", "Reason, your name and the scope stand in the trail. Another person must approve within three days.")
	m.ReplayRate = t("Höchstens je Sekunde", "At most a second")
	m.ReplayRateHint = t("Kopien, 1 bis 500", "copies, 1 to 500")
	m.ReplayAsk = t("Zur Zustimmung vorlegen", "Submit for approval")
	m.replaySteps(t)
}

func (m *messages) replaySteps(t in) {
	m.ReplayState = t("Zustand", "Status")
	m.ReplayProgress = t("Fortschritt", "Progress")
	m.ReplayOfExpected = t("im Probelauf", "in the dry run")
	m.ReplayRequestedBy = t("Verlangt", "Requested")
	m.ReplayApprovedBy = t("Zugestimmt", "Approved")
	m.ReplayRejectedBy = t("Abgelehnt", "Rejected")
	m.ReplayCancelledBy = t("Abgebrochen", "Cancelled")
	m.ReplayEnded = t("Beendet", "Ended")
	m.ReplayApprove = t("Zustimmen und beginnen", "Approve and begin")
	m.ReplayReject = t("Ablehnen", "Reject")
	m.ReplayCancel = t("Abbrechen", "Cancel")
	m.ReplayApproveText = t("Mit der Zustimmung beginnt die Wiederholung. Ihr Name steht im Nachweis.", "With your approval the replay begins. Your name stands in the trail.")
	m.ReplayRejectText = t("Wer ablehnt, nennt den Grund.", "Who rejects says why.")
	m.ReplayCancelText = t("Was schon entschieden ist, wird noch zugestellt: höchstens der Stapel, der gerade in Arbeit ist.", "What is decided already still goes: at most the batch that is underway.")
	m.ReplayOwn = t("Sie haben diese Wiederholung verlangt: Zustimmen muss eine andere Person.", "You have asked for this replay: another person must approve.")
	m.ReplayQueued = t("Eine andere Wiederholung an diesen Empfänger kommt zuerst.", "Another replay to this receiver comes first.")
	m.ReplayWaits = t("Sie wartet, bis im Eingangsfach die Hälfte frei ist.", "It waits until half of the mailbox is free.")
	m.ReplayReload = t("Neuen Stand holen", "Get the latest")
	m.ReplayRequested = t("wartet auf Zustimmung", "waits for approval")
	m.ReplayLapsed = t("verfallen: niemand hat zugestimmt", "lapsed: nobody has approved")
	m.ReplayRejected = t("abgelehnt", "rejected")
	m.ReplayRunning = t("läuft", "running")
	m.ReplayCancelling = t("wird abgebrochen", "being cancelled")
	m.ReplayCancelled = t("abgebrochen", "cancelled")
	m.ReplayDone = t("fertig", "done")
	m.ReplayFrom = t("Angenommen ab (Tag)", "Accepted from (day)")
	m.ReplayTo = t("Angenommen bis (Tag)", "Accepted until (day)")
	m.ReplayAgreement = t("Übermittlungsregel, nach der es damals ging", "Agreement by which it went then")
	m.ReplayCopies = t("Kopien", "Copies")
	m.ReplayBad = t("Die Angaben passen nicht: Fachverfahren mit Eingangsfach wählen, der Anfang liegt vor dem Ende, die Zahl je Sekunde zwischen 1 und 500.", "What is given does not fit: choose an application with a mailbox, the beginning lies before the end, the number a second is between 1 and 500.")
	m.ReplayTooMany = t("Zu viele Wiederholungen sind offen: erst abwarten, ablehnen oder abbrechen.", "Too many replays are open: wait, reject or cancel first.")
	m.ReplayBusy = t("Gerade wird für andere gezählt: gleich noch einmal versuchen.", "It is counting for others right now: try again in a moment.")
	m.ReplayPast = t("Das geht nicht mehr: Die Wiederholung ist inzwischen weiter.", "That is not possible any more: the replay has moved on meanwhile.")
	m.ReplaySame = t("Wer eine Wiederholung verlangt hat, kann nicht selbst darüber entscheiden.", "Who has asked for a replay cannot decide about it.")
	m.ReplayStarting = t("Der Amtsbote liest noch, welche Wiederholungen es gibt: gleich noch einmal versuchen.", "The hub is still reading which replays there are: try again in a moment.")
	m.ReplayDecidedAs = t("Wiederholt", "Replayed")
	m.ReplayOfEvent = t("Wiederholungen dieses Ereignisses", "Replays of this event")
	m.SaidReplayWanted = t("Die Wiederholung ist vorgelegt; eine andere Person muss zustimmen.", "The replay is submitted; another person must approve.")
	m.SaidReplayApproved = t("Sie haben zugestimmt; die Wiederholung beginnt.", "You have approved; the replay begins.")
	m.SaidReplayRejected = t("Die Wiederholung ist abgelehnt.", "The replay is rejected.")
	m.SaidReplayCancelled = t("Die Wiederholung wird abgebrochen.", "The replay is being cancelled.")
	m.ActReplayLook = t("Wiederholung gezählt (Probelauf)", "counted for a replay (dry run)")
	m.ActReplayRequest = t("Wiederholung verlangt", "asked for a replay")
	m.ActReplayApprove = t("Wiederholung zugestimmt", "approved a replay")
	m.ActReplayReject = t("Wiederholung abgelehnt", "rejected a replay")
	m.ActReplayCancel = t("Wiederholung abgebrochen", "cancelled a replay")
	m.ActReplayEnd = t("Wiederholung beendet", "replay ended")
}

// replayAct names an act of a replay; "" when it is none.
func (m *messages) replayAct(key string) string {
	return map[string]string{
		decision.ActReplayRequest: m.ActReplayRequest, decision.ActReplayApprove: m.ActReplayApprove, decision.ActReplayReject: m.ActReplayReject,
		decision.ActReplayCancel: m.ActReplayCancel, decision.ActReplayEnd: m.ActReplayEnd, decision.ActReplayLook: m.ActReplayLook,
	}[key]
}

// replayState names where a replay stands.
func (m *messages) replayState(s replay.State) string {
	return map[replay.State]string{
		replay.Requested: m.ReplayRequested, replay.Lapsed: m.ReplayLapsed, replay.Rejected: m.ReplayRejected, replay.Running: m.ReplayRunning,
		replay.Cancelling: m.ReplayCancelling, replay.Cancelled: m.ReplayCancelled, replay.Done: m.ReplayDone,
	}[s]
}

// replaySays tells an error of replays that people may read; "" when it is none.
func (m *messages) replaySays(err error) string {
	for known, text := range map[error]string{
		replay.ErrScope: m.ReplayBad, replay.ErrTooMany: m.ReplayTooMany, replay.ErrBusy: m.ReplayBusy, replay.ErrState: m.ReplayPast,
		replay.ErrSamePerson: m.ReplaySame, replay.ErrStarting: m.ReplayStarting,
	} {
		if errors.Is(err, known) {
			return text
		}
	}
	return ""
}
