package console

import "github.com/amtsbote/amtsbote/hub/internal/decision"

func (m *messages) clearing(t in) {
	m.Cleared = t("Erledigt", "Dealt with")
	m.ClearTitle = t("Bearbeiten", "Deal with it")
	m.ClearReason = t("Grund (mindestens 10 Zeichen, ohne personenbezogene Daten); bei Rückgabe liest ihn der Absender", "Reason (at least 10 characters, no personal data); the sender reads it when the event goes back")
	m.ClearResubmit = t("Unverändert erneut einreichen", "Send again as it is")
	m.ClearReturn = t("An den Absender zurückgeben", "Give back to the sender")
	m.ClearDiscard = t("Verwerfen", "Discard")
	m.ClearText = t("Jede Handlung steht mit Namen und Grund im Nachweis, bevor sie wirkt; danach liegt das Ereignis nicht mehr hier.", "Each act is in the trail with your name and reason before it takes effect; then the event rests here no more.")
	m.ClearNoReceipts = t("Der Absender nimmt keine Quittungen: er erfährt von der Rückgabe nichts.", "The sender takes no receipts: it is not told when the event goes back.")
	m.ClearCopy = t("Das ist eine Kopie, die ihr Empfänger abgelehnt hat. Sie lässt sich nur verwerfen.", "This is a copy that its receiver has refused. It can only be discarded.")
	m.Edit = t("Bearbeiten und erneut einreichen", "Edit and send again")
	m.EditFirst = t("Zum Bearbeiten zuerst mit Grund vollständig ansehen.", "To edit it, see it in full first, with a reason.")
	m.EditText = t("Das Ereignis als CloudEvent in JSON. Das Original bleibt 30 Tage erhalten; der Nachweis hält die Prüfsummen beider Fassungen, Namen und Grund fest, keinen Inhalt.", "The event as a CloudEvent in JSON. The original is kept for 30 days; the trail holds the digests of both, name and reason, no content.")
	m.EditField = t("Ereignis", "Event as JSON")
	m.EditButton = t("Prüfen und einreichen", "Check and send")
	m.EditNoText = t("Der Inhalt ist kein Text und lässt sich hier nicht bearbeiten. Bitte an den Absender zurückgeben.", "The content is no text and cannot be edited here. Please give it back to the sender.")
	m.EditTooLarge = t("Das Ereignis ist für die Bearbeitung hier zu groß (mehr als 256 KiB). Bitte an den Absender zurückgeben.", "The event is too large to be edited here (more than 256 KiB). Please give it back to the sender.")
	m.AllWrong = t("Alles, was das Schema heute verletzt:", "All that breaks the schema today:")
	m.PassesNow = t("Nach den heutigen Regeln käme das Ereignis durch: Es kann unverändert erneut eingereicht werden.", "By today's rules the event would pass: it can be sent again as it is.")
	m.StillWrong = t("Das wäre noch falsch", "This would still be wrong")
	m.DoneBy = t("Erledigt von", "Dealt with by")
	m.DigestBefore = t("Prüfsumme des Originals", "Digest of the original")
	m.DigestAfter = t("Prüfsumme des Eingereichten", "Digest of what was sent")
	m.OriginalTitle = t("Das Original", "The original")
	m.OriginalUntil = t("wird aufbewahrt bis", "is kept until")
	m.Work = t("Zuständigkeit", "Who looks after it")
	m.WorkOwner = t("Zuständig", "In charge")
	m.WorkNobody = t("niemand", "nobody")
	m.WorkDue = t("Frist", "Due")
	m.WorkOverdue = t("überfällig", "overdue")
	m.WorkTake = t("Übernehmen", "Take over")
	m.WorkHand = t("Abgeben an", "Hand on to")
	m.WorkHandButton = t("Abgeben", "Hand on")
	m.WorkDueButton = t("Frist setzen", "Set due date")
	m.WorkNote = t("Notiz (ohne personenbezogene Daten)", "Note (no personal data)")
	m.WorkNoteButton = t("Notieren", "Write down")
}

func (m *messages) runs(t in) {
	m.Bulk = t("Ganze Gruppe bearbeiten", "Deal with the whole group")
	m.BulkPreview = t("Vorschau", "Preview")
	m.BulkCount = t("Ereignisse in der Gruppe", "events in the group")
	m.BulkFirst = t("Die ersten", "The first ones")
	m.BulkTried = t("davon geprüft", "of them tried")
	m.BulkPassing = t("kämen jetzt durch", "would pass now")
	m.BulkText = t("Der Lauf geht im Amtsboten Ereignis für Ereignis weiter, auch nach einem Neustart, und lässt sich jederzeit anhalten. Was später dazukommt, gehört nicht dazu; was nicht durchkäme, bleibt liegen.", "The run goes on in the hub event by event, also after a restart, and can be stopped at any time. What comes later is not part of it; what would not pass stays.")
	m.BulkStart = t("Lauf beginnen", "Begin the run")
	m.Runs = t("Läufe", "Runs")
	m.RunsText = t("Was über ganze Gruppen läuft und zuletzt lief. Für den neuen Stand die Seite neu laden.", "What runs over whole groups, and ran last. Reload the page for how far it is.")
	m.RunsEmpty = t("Es läuft nichts.", "Nothing runs.")
	m.RunsReload = t("Neu laden", "Reload")
	m.RunDone = t("erledigt", "done")
	m.RunLeft = t("bleiben liegen", "stay")
	m.RunOf = t("von", "of")
	m.RunGoes = t("läuft", "runs")
	m.RunHalted = t("angehalten", "stopped")
	m.RunEnded = t("beendet", "ended")
	m.RunStop = t("Anhalten", "Stop")
	m.RunStopped = t("In der Konsole angehalten", "Stopped in the console")
	m.SaidResubmit = t("Das Ereignis ist erneut eingereicht.", "The event was sent again.")
	m.SaidGivenBack = t("Das Ereignis ist an den Absender zurückgegeben.", "The event was given back to its sender.")
	m.SaidDiscard = t("Das Ereignis ist verworfen.", "The event was discarded.")
	m.SaidUnderway = t("Vermerkt; es wird gleich erledigt.", "Noted; it will be done in a moment.")
	m.SaidWork = t("Eingetragen.", "Entered.")
	m.SaidEmpty = t("Bitte das Feld ausfüllen.", "Please fill in the field.")
	m.SaidNotDone = t("Nicht möglich: im Text steht etwas Personenbezogenes, oder der Amtsbote ist noch nicht bereit.", "Not possible: there is something personal in the text, or the hub is not ready yet.")
	m.SaidRun = t("Der Lauf hat begonnen.", "The run has begun.")
	m.SaidRunStop = t("Der Lauf hält nach dem laufenden Ereignis an.", "The run stops after the event in hand.")
	m.SaidRunOver = t("Der Lauf war schon zu Ende.", "The run had ended already.")
	m.ActResubmit = t("Unverändert erneut eingereicht", "Sent again as it was")
	m.ActEdit = t("Bearbeitet und erneut eingereicht", "Edited and sent again")
	m.ActGivenBack = t("Aus dem Klärungsfach zurückgegeben", "Given back from quarantine")
	m.ActDiscard = t("Verworfen", "Discarded")
	m.ActBulk = t("Lauf über eine Gruppe begonnen", "Run over a group begun")
	m.ActBulkStop = t("Lauf angehalten", "Run stopped")
	m.ActBulkEnd = t("Lauf beendet", "Run ended")
	m.ActWork = t("Zuständigkeit im Klärungsfach", "Work in quarantine")
}

// clearingActs names what people do in quarantine.
func (m *messages) clearingActs() map[string]string {
	return map[string]string{
		decision.ActQuarantineResubmit: m.ActResubmit, decision.ActQuarantineEdit: m.ActEdit, decision.ActQuarantineReturn: m.ActGivenBack,
		decision.ActQuarantineDiscard: m.ActDiscard, decision.ActBulk: m.ActBulk, decision.ActBulkStop: m.ActBulkStop, decision.ActBulkEnd: m.ActBulkEnd,
		decision.ActWork: m.ActWork,
	}
}

// bulk names what can be done to a group.
func (m *messages) bulk() map[string]string {
	return map[string]string{
		decision.ActQuarantineResubmit: m.ClearResubmit, decision.ActQuarantineReturn: m.ClearReturn, decision.ActQuarantineDiscard: m.ClearDiscard,
	}
}

func (m *messages) saidOfClearing() map[string]string {
	return map[string]string{
		decision.ActQuarantineResubmit: m.SaidResubmit, decision.ActQuarantineEdit: m.SaidResubmit, decision.ActQuarantineReturn: m.SaidGivenBack,
		decision.ActQuarantineDiscard: m.SaidDiscard, "underway": m.SaidUnderway, "look": m.EditFirst, "work": m.SaidWork, "empty": m.SaidEmpty,
		"not-done": m.SaidNotDone, "run": m.SaidRun, "run-stop": m.SaidRunStop, "run-over": m.SaidRunOver,
	}
}
