package console

import "github.com/amtsbote/amtsbote/schemas"

// types are the texts of event types beyond their list.
func (m *messages) types(t in) {
	m.Examples = t("Beispiele", "Examples")
	m.ExampleValid = t("gültig", "valid")
	m.ExampleBroken = t("ungültig: verletzt", "invalid: breaks")
	m.Changes = t("Unterschiede zur Fassung", "Differences from version")
	m.ChangesText = t("Felder und Regeln, die in dieser Fassung anders sind.", "Fields and rules that differ in this version.")
	m.ChangesNone = t("Kein Feld und keine Regel ist anders.", "No field and no rule differs.")
	m.WholeData = t("der Inhalt als Ganzes", "the data as a whole")
	m.ChangeAdded = t("neues Feld", "new field")
	m.ChangeRemoved = t("entfallen", "removed")
	m.ChangeRequired = t("jetzt Pflicht", "required now")
	m.ChangeOptional = t("jetzt freiwillig", "optional now")
	m.ChangeRule = t("andere Werte erlaubt", "other values allowed")
	m.ChangeCategory = t("andere Datenkategorie oder Sperre", "another category of data or block")
	m.ChangeKeep = t("andere Aufbewahrung nach Zustellung", "kept for another time after delivery")
	m.ChangeAttributes = t("andere Attribute erlaubt", "other attributes allowed")
	m.ChangeMark = t("dient anders als Adresse oder Bedingung", "another use as address or condition")
	m.ChangeText = t("andere Bezeichnung oder Erläuterung", "another label or description")
	m.DeclaredSeen = t("Wer sendet und wer empfängt", "Who sends and who receives")
	m.DeclaredSeenText = t("Vorgesehen ist, wen eine Übermittlungsregel in Kraft nennt, auch über eine Gruppe; gesehen, wer es im Zeitraum der Suche tat.", "Declared is who an agreement in force names, also by a group; seen is who did it since the search reaches back.")
	m.Declared = t("vorgesehen", "declared")
	m.NotDeclared = t("nicht mehr vorgesehen", "no longer declared")
	m.LastSeen = t("Zuletzt gesehen", "Last seen")
	m.NotSeen = t("nicht gesehen", "not seen")
	m.OneDay = t("Tag", "day")
	m.ManyDays = t("Tage", "days")
	m.OneHour = t("Stunde", "hour")
	m.ManyHours = t("Stunden", "hours")
	m.OneMinute = t("Minute", "minute")
	m.ManyMinutes = t("Minuten", "minutes")
	m.MoreParties = t("weitere werden nicht gezeigt.", "more are not shown.")
}

// change names how a field differs.
func (m *messages) change(k schemas.ChangeKind) string {
	switch k {
	case schemas.FieldAdded:
		return m.ChangeAdded
	case schemas.FieldRemoved:
		return m.ChangeRemoved
	case schemas.FieldRequired:
		return m.ChangeRequired
	case schemas.FieldOptional:
		return m.ChangeOptional
	case schemas.FieldRule:
		return m.ChangeRule
	case schemas.FieldCategory:
		return m.ChangeCategory
	case schemas.FieldMark:
		return m.ChangeMark
	case schemas.SchemaKeep:
		return m.ChangeKeep
	case schemas.SchemaAttributes:
		return m.ChangeAttributes
	}
	return m.ChangeText
}

// parties are the texts of agreements and organisations, one by one.
func (m *messages) parties(t in) {
	m.AgreementMatrix = t("Wer gibt wem was, auf welcher Grundlage", "Who gives what to whom, on which basis")
	m.MatrixText = t("Regeln in Kraft: Zeilen sind Absender, Spalten Empfänger, je Organisation oder Gruppe; in den Feldern stehen die Rechtsgrundlagen.", "Agreements in force: rows are senders, columns receivers, each an organisation or group; cells name the legal bases.")
	m.MatrixLink = t("Als Matrix", "As a matrix")
	m.MatrixMore = t("weitere Zeilen oder Spalten mit weniger Regeln werden nicht gezeigt; eine Organisation wählen.", "more rows or columns with fewer agreements are not shown; choose an organisation.")
	m.ListLink = t("Als Liste", "As a list")
	m.LawSays = t("Was die Norm sagt", "What the norm says")
	m.Activity = t("Verarbeitungsverzeichnis", "Record of processing activities")
	m.Where = t("Bedingung", "Condition")
	m.Always = t("keine", "none")
	m.Retained = t("Wartet höchstens", "Waits at most")
	m.NoLimit = t("unbegrenzt", "without limit")
	m.Within = t("Zustellung erwartet binnen", "Delivery expected within")
	m.Receipts = t("Quittungen", "Receipts")
	m.ApprovalStale = t("galt einem anderen Wortlaut", "was for another text")
	m.ApprovalMissing = t("fehlt", "missing")
	m.ApprovalGood = t("erteilt", "given")
	m.ApprovedOn = t("Am", "On")
	m.Reference = t("Aktenzeichen", "Reference")
	m.AgreementText = t("Wortlaut im Verbundverzeichnis", "Text in the federation directory")
	m.Discloses = t("Felder, die der Empfänger bekommt", "Fields that the receiver gets")
	m.BlocksPass = t("Ereignisse mit Sperre gehen mit Kennzeichen durch nach", "Events with a block pass with the mark under")
	m.BlocksStop = t("Ereignisse mit einer Sperre gehen hier nicht durch.", "Events with a block do not pass here.")
	m.Organisations = t("Organisationen", "Organisations")
	m.Applications = t("Fachverfahren", "Applications")
	m.Authorities = t("Behörden", "Authorities")
	m.FindName = t("Name oder Kennung enthält", "Name or key contains")
	m.OrganisationsFound = t("Organisationen", "organisations")
	m.AuthoritiesFound = t("Behörden", "authorities")
	m.Role = t("Rolle", "Role")
	m.RoleIsAuthority = t("Behörde", "authority")
	m.RoleIsOperator = t("Betreiber im Auftrag (Art. 28 DSGVO)", "operator (Art. 28 DSGVO)")
	m.Contact = t("Kontakt", "Contact")
	m.NoContact = t("nicht angegeben", "not given")
	m.Contract = t("Vertrag", "Contract")
	m.Unit = t("Verwaltungseinheit", "Administrative unit")
	m.Sources = t("Quellen", "Sources")
	m.Credentials = t("Zugänge", "Credentials")
	m.CredentialUntil = t("gültig bis", "good until")
	m.Suspended = t("gesperrt", "suspended")
	m.NoCredential = t("keine", "none")
	m.Quota = t("Kontingent des Eingangs", "Quota of its in streams")
	m.Office = t("Behördenart", "Office")
	m.HandsOver = t("Eingangsfach", "Mailbox")
}
