package finding

import "slices"

// Code is the short stable name of a kind of finding.
type Code string

// The codes. DIR is about files, YML about one file's form, the others about
// what it says: the federation, organisations, webhooks, groups, laws, agreements,
// examples, adapters, schemas.
const (
	DirUnreadable  Code = "VB-DIR-001"
	DirStray       Code = "VB-DIR-002"
	DirTooLarge    Code = "VB-DIR-003"
	DirNotRegular  Code = "VB-DIR-004"
	DirTwice       Code = "VB-DIR-005"
	DirUnsupported Code = "VB-DIR-006"
	DirChanging    Code = "VB-DIR-007"

	YAMLSyntax     Code = "VB-YML-001"
	YAMLUnknownKey Code = "VB-YML-002"
	YAMLTwice      Code = "VB-YML-003"
	YAMLType       Code = "VB-YML-004"
	YAMLMissing    Code = "VB-YML-005"
	YAMLForbidden  Code = "VB-YML-006"
	YAMLValue      Code = "VB-YML-007"
	YAMLHidden     Code = "VB-YML-008"

	FedSimulator      Code = "VB-FED-001"
	FedSimulatorKind  Code = "VB-FED-002"
	FedSimulatorTwice Code = "VB-FED-003"
	FedConsole        Code = "VB-FED-004"

	OrgName           Code = "VB-ORG-001"
	OrgTwice          Code = "VB-ORG-002"
	OrgApplication    Code = "VB-ORG-003"
	OrgApplicationDup Code = "VB-ORG-004"
	OrgAuthorityKey   Code = "VB-ORG-005"
	OrgContract       Code = "VB-ORG-006"
	OrgAuthorityTwice Code = "VB-ORG-007"
	OrgSourceForeign  Code = "VB-ORG-008"
	OrgSourceOverlap  Code = "VB-ORG-009"
	OrgSourcePrefix   Code = "VB-ORG-010"

	OrgReceipts   Code = "VB-ORG-011"
	OrgUnit       Code = "VB-ORG-012"
	OrgOffice     Code = "VB-ORG-013"
	OrgUntold     Code = "VB-ORG-014"
	OrgUnitOfUnit Code = "VB-ORG-015"
	OrgSourceHub  Code = "VB-ORG-016"
	OrgAccess     Code = "VB-ORG-020"

	WhkMode     Code = "VB-WHK-001"
	WhkURL      Code = "VB-WHK-002"
	WhkPlain    Code = "VB-WHK-003"
	WhkSecret   Code = "VB-WHK-004"
	WhkOrigin   Code = "VB-WHK-005"
	WhkUnsigned Code = "VB-WHK-006"
	WhkForeign  Code = "VB-WHK-007"
	WhkMail     Code = "VB-WHK-008"
	WhkNoMail   Code = "VB-WHK-009"

	GrpName        Code = "VB-GRP-001"
	GrpTwice       Code = "VB-GRP-002"
	GrpApplication Code = "VB-GRP-003"
	GrpNotOnList   Code = "VB-GRP-004"
	GrpAmbiguous   Code = "VB-GRP-005"
	GrpNobody      Code = "VB-GRP-006"

	LawFile      Code = "VB-LAW-001"
	LawTaken     Code = "VB-LAW-002"
	LawUnknown   Code = "VB-LAW-003"
	LawUnchecked Code = "VB-LAW-004"
	LawTransfer  Code = "VB-LAW-005"
	LawOffice    Code = "VB-LAW-006"
	LawField     Code = "VB-LAW-007"
	LawTransport Code = "VB-LAW-008"
	LawBlocks    Code = "VB-LAW-009"
	LawNeedless  Code = "VB-LAW-010"
	LawPointer   Code = "VB-LAW-011"

	AgrTwice        Code = "VB-AGR-001"
	AgrApplication  Code = "VB-AGR-002"
	AgrAuthority    Code = "VB-AGR-003"
	AgrNotOnList    Code = "VB-AGR-004"
	AgrType         Code = "VB-AGR-005"
	AgrPointer      Code = "VB-AGR-006"
	AgrNotDerivable Code = "VB-AGR-007"
	AgrLaw          Code = "VB-AGR-008"
	AgrValidity     Code = "VB-AGR-009"
	AgrExpired      Code = "VB-AGR-010"
	AgrOverlap      Code = "VB-AGR-011"
	AgrWhere        Code = "VB-AGR-012"
	AgrWhereName    Code = "VB-AGR-013"
	AgrMailbox      Code = "VB-AGR-014"
	AgrOriginal     Code = "VB-AGR-015"
	AgrName         Code = "VB-AGR-016"
	AgrSilent       Code = "VB-AGR-017"
	AgrGroup        Code = "VB-AGR-018"
	AgrAddress      Code = "VB-AGR-019"
	AgrUnapproved   Code = "VB-AGR-020"
	AgrStale        Code = "VB-AGR-021"
	AgrStranger     Code = "VB-AGR-022"
	AgrExpiring     Code = "VB-AGR-023"
	AgrClassified   Code = "VB-AGR-024"
	AgrMayOverlap   Code = "VB-AGR-025"
	AgrNobody       Code = "VB-AGR-026"
	AgrNotYet       Code = "VB-AGR-027"
	AgrPartyTwice   Code = "VB-AGR-028"
	AgrTooMany      Code = "VB-AGR-029"

	ExmEvent  Code = "VB-EXM-001"
	ExmExpect Code = "VB-EXM-002"
	ExmName   Code = "VB-EXM-003"

	AdpName        Code = "VB-ADP-001"
	AdpApplication Code = "VB-ADP-002"
	AdpKind        Code = "VB-ADP-003"
	AdpNoSink      Code = "VB-ADP-004"
	AdpTwoSinks    Code = "VB-ADP-005"
	AdpIdle        Code = "VB-ADP-006"
	AdpUse         Code = "VB-ADP-007"
	AdpSettings    Code = "VB-ADP-008"
	AdpSample      Code = "VB-ADP-009"
	AdpUnheard     Code = "VB-ADP-010"

	SchemaRefused Code = "VB-SCH-001"
	SchemaTaken   Code = "VB-SCH-002"
)

type sentence struct {
	severity Severity
	de, en   string
}

var catalogue = map[Code]sentence{
	DirUnreadable:  {Error, "%s fehlt oder ist nicht lesbar.", "%s is missing or cannot be read."},
	DirStray:       {Error, "Die Datei gehört nicht hierher; hier stehen nur %s.", "The file does not belong here; only %s do."},
	DirTooLarge:    {Error, "Zu groß: mehr als %s.", "Too large: more than %s."},
	DirNotRegular:  {Error, "Verknüpfungen und Sonderdateien sind nicht erlaubt.", "Links and special files are not allowed."},
	DirTwice:       {Error, "Dieselbe Datei gibt es auch als %s.", "The same file exists as %s too."},
	DirUnsupported: {Error, "Den Ordner %s versteht diese Fassung noch nicht.", "This version does not understand the folder %s yet."},
	DirChanging:    {Error, "Das Verzeichnis ändert sich, während es gelesen wird. Noch einmal lesen, wenn nichts mehr geschrieben wird.", "The directory changes while it is read. Read it again when nothing is being written."},

	YAMLSyntax:     {Error, "Kein gültiges YAML: %s.", "Not valid YAML: %s."},
	YAMLUnknownKey: {Error, "Den Schlüssel %s gibt es hier nicht. Erlaubt: %s.", "The key %s does not exist here. Allowed: %s."},
	YAMLTwice:      {Error, "Der Schlüssel %s steht doppelt; zuerst in Zeile %d.", "The key %s is given twice; first in line %d."},
	YAMLType:       {Error, "Hier muss %s stehen, nicht %s.", "This must be %s, not %s."},
	YAMLMissing:    {Error, "Der Schlüssel %s fehlt oder ist leer.", "The key %s is missing or empty."},
	YAMLForbidden:  {Error, "Nicht erlaubt: Anker, Verweise, Tags, Mischschlüssel, mehrere Dokumente, mehr als %d Ebenen oder %d Schlüssel.", "Not allowed: anchors, aliases, tags, merge keys, several documents, more than %d levels or %d keys."},
	YAMLHidden:     {Error, "Der Text enthält ein Zeichen, das man nicht sieht (%s). Bitte löschen.", "The text has a character that cannot be seen (%s). Please delete it."},
	YAMLValue:      {Error, "Der Wert ist nicht erlaubt; erwartet: %s.", "The value is not allowed; expected: %s."},

	FedSimulator:      {Error, "Simulatoren laufen nie in einem Verbund mit environment: production. Entfernen oder environment: test.", "Simulators never run in a federation with environment: production. Remove it, or set environment: test."},
	FedSimulatorKind:  {Error, "Einen Simulator %s gibt es nicht.", "There is no simulator %s."},
	FedSimulatorTwice: {Error, "Den Simulator %s gibt es zweimal.", "There are two simulators %s."},
	FedConsole:        {Error, "Eine Organisation %s gibt es nicht: role: steward braucht eine, deren Seite zu sehen ist.", "There is no organisation %s: role: steward needs one whose side is seen."},

	OrgName:           {Error, "Der Name %s ist nicht erlaubt: a-z, 0-9 und einzelne - dazwischen, höchstens 32 Zeichen; cursor ist vergeben.", "The name %s is not allowed: a-z, 0-9 and single - between them, at most 32 characters; cursor is reserved."},
	OrgTwice:          {Error, "Die Organisation %s gibt es schon in %s.", "The organisation %s exists already in %s."},
	OrgApplication:    {Error, "Der Name %s muss aus der Organisation, einem Punkt und einem Namen aus a-z, 0-9 und - bestehen: %s.name.", "The name %s must be the organisation, a dot and a name of a-z, 0-9 and -: %s.name."},
	OrgApplicationDup: {Error, "Das Fachverfahren %s gibt es zweimal.", "There are two applications %s."},
	OrgAuthorityKey:   {Error, "%s ist kein Behördenschlüssel wie ags:09162000.", "%s is no key of an authority like ags:09162000."},
	OrgContract:       {Error, "Für die Behörde %s fehlt contract: Ein Betreiber handelt nur mit Vertrag über die Auftragsverarbeitung (Art. 28 DSGVO).", "The authority %s lacks contract: an operator acts only under a processing contract (Art. 28 GDPR)."},
	OrgAuthorityTwice: {Error, "Die Behörde %s steht zweimal in der Liste.", "The authority %s is on the list twice."},
	OrgSourceForeign:  {Error, "Die Behörde %s steht nicht auf der Liste der Organisation %s.", "The authority %s is not on the list of the organisation %s."},
	OrgSourceOverlap:  {Error, "Das Präfix %s überschneidet sich mit %s von %s.", "The prefix %s overlaps with %s of %s."},
	OrgSourceHub:      {Error, "Unter %s liegt die source der Quittungen des Hubs (%s), oder umgekehrt; sie gehört keinem Fachverfahren.", "%s covers the source of the hub's own receipts (%s), or lies below it; that is no application's."},
	OrgSourcePrefix:   {Error, "%s ist kein Anfang einer source: absolute URI, ohne : / # ? ; am Ende, höchstens 256 Zeichen.", "%s is no beginning of a source: an absolute URI, without : / # ? ; at the end, at most 256 characters."},

	OrgReceipts: {Error, "Quittungen (receipts) gehen an ein Fachverfahren derselben Organisation mit Eingangsfach, nicht an %s.", "Receipts go to an application of the same organisation that has a mailbox, not to %s."},
	OrgUnit:     {Error, "Die Behörde %s gehört hier zu %s, in %s aber zu %s.", "The authority %[1]s belongs to %[2]s here, but to %[4]s in %[3]s."},
	OrgOffice:   {Warning, "Eine Behördenart %s kennt keine Rechtsgrundlage. Bekannt: %s.", "No law knows an office %s. Known: %s."},
	OrgUntold:   {Warning, "%s sendet Ereignisse mit Sperren, nennt aber keine receipts: Wenn eine Sperre die Weitergabe verhindert, erfährt es die Sachbearbeitung nur im Klärungsfach oder gar nicht.", "%s sends events with blocks but names no receipts: when a block keeps an event back, its clerks learn of it in quarantine only, or not at all."},

	OrgUnitOfUnit: {Error, "%[1]s kann nicht zu %[2]s gehören: das gehört selbst zu %[3]s. Hier steht die Verwaltungseinheit, keine Behörde darin.", "%[1]s cannot belong to %[2]s, which belongs to %[3]s itself. Name the administrative unit, not an authority within it."},

	WhkMode:     {Error, "mode: webhook und der Block webhook gehören zusammen: webhook: {url: …, contact: …}.", "mode: webhook and the block webhook belong together: webhook: {url: …, contact: …}."},
	WhkURL:      {Error, "Dorthin sendet der Amtsbote nicht: %s.", "The hub does not send there: %s."},
	WhkPlain:    {Error, "http:// ohne TLS gibt es nur mit environment: test.", "http:// without TLS is for environment: test only."},
	WhkSecret:   {Error, "Ein Geheimnis steht nie im Verzeichnis, und jede Organisation hat ihre eigenen: file: nennt eine Datei %s/… unterhalb des Ordners für Geheimnisse, env: eine Variable %s….", "A secret never stands in the directory, and each organisation has its own: file: names a file %s/… below the folder of secrets, env: a variable %s…."},
	WhkOrigin:   {Error, "Unter welchem Namen der Amtsbote Empfänger um Erlaubnis fragt, fehlt in federation.yaml: origin: hub.example.de.", "federation.yaml lacks the name under which the hub asks receivers for consent: origin: hub.example.de."},
	WhkUnsigned: {Warning, "Der Empfänger kann nicht prüfen, wer sendet: secret, oauth2 oder tls fehlt.", "The receiver cannot check who sends: secret, oauth2 or tls is missing."},
	WhkForeign:  {Error, "Die Variable %s gehört nach ihrem Namen der Organisation %s.", "By its name the variable %s belongs to the organisation %s."},
	WhkMail:     {Error, "contact ist keine E-Mail-Adresse: fachbetreuung@example.de oder Fachbetreuung <fachbetreuung@example.de>, genau eine, ohne Umlaute, höchstens 254 Zeichen.", "contact is no e-mail address: support@example.de or Support <support@example.de>, exactly one, in ASCII, at most 254 characters."},
	WhkNoMail:   {Warning, "contact nennt keine E-Mail-Adresse: Steht der Webhook, erfährt es nur, wer das Protokoll liest. contact: Fachbetreuung <fachbetreuung@example.de>", "contact names no e-mail address: when the webhook stands still, only who reads the log learns of it. contact: Support <support@example.de>"},
	OrgAccess:   {Error, "Mit diesem Nachweis (access) könnte sich auch %s ausweisen. Jeder Nachweis gehört einem Fachverfahren allein.", "This proof (access) could be that of %s too. Each proof belongs to one application alone."},

	GrpName:        {Error, "Die Kennung %s ist nicht erlaubt: a-z, 0-9 und -, höchstens 64 Zeichen.", "The id %s is not allowed: a-z, 0-9 and -, at most 64 characters."},
	GrpTwice:       {Error, "Die Gruppe %s gibt es schon in %s.", "The group %s exists already in %s."},
	GrpApplication: {Error, "Das Fachverfahren %s gibt es nicht.", "There is no application %s."},
	GrpNotOnList:   {Error, "Die Behörde %s steht nicht auf der Liste der Organisation %s.", "The authority %s is not on the list of the organisation %s."},
	GrpAmbiguous:   {Error, "Für die Behörde %s ist in dieser Gruppe schon %s Mitglied; eine Adresse wäre nicht eindeutig.", "For the authority %s this group has the member %s already; an address would be ambiguous."},
	GrpNobody:      {Error, "Auf der Liste der Organisation %s passt keine Behörde zu %s.", "No authority on the list of the organisation %s fits %s."},

	LawFile:      {Error, "Die Datei muss wie die Kennung heißen: %s.yaml.", "The file must be named after the key: %s.yaml."},
	LawTaken:     {Error, "Die Rechtsgrundlage %s kommt mit dem Amtsboten; ein Verzeichnis ergänzt die Liste, ändert sie aber nicht.", "The law %s comes with the hub; a directory adds to the list but does not change it."},
	LawUnknown:   {Error, "Die Rechtsgrundlage %s steht nicht in der Liste. Ähnlich: %s. Eine fehlende Norm gehört nach recht/.", "The law %s is not on the list. Similar: %s. A norm that is missing belongs into recht/."},
	LawUnchecked: {Error, "Der Wortlaut von %s ist nicht geprüft (%s). Nur mit recht-ungeprueft: true.", "The wording of %s has not been checked (%s). Only with recht-ungeprueft: true."},
	LawTransfer:  {Error, "%[1]s deckt diese Übermittlung nicht: %[2]s. Von %[3]s an %[4]s.", "%[1]s does not cover this transfer: %[2]s. From %[3]s to %[4]s."},
	LawOffice:    {Error, "%s nennt als %s nur: %s. %s ist %s.", "%s names as %s only: %s. %s is %s."},
	LawField:     {Error, "%s nennt das Feld %s von %s nicht. Genannt sind: %s.", "%s does not name the field %s of %s. It names: %s."},
	LawTransport: {Error, "%[1]s schreibt den Transport %[2]s vor; %[3]s ist keine Übergabe an ihn (transport: %[2]s). Erlaubt die Norm eine Ausnahme, nennt sie ohne-transport.", "%[1]s prescribes the transport %[2]s; %[3]s is no hand-over to it (transport: %[2]s). Where the norm allows an exception, ohne-transport names it."},
	LawBlocks:    {Error, "%s lässt keine Ereignisse mit Sperre zu.", "%s does not let events with a block pass."},
	LawNeedless:  {Warning, "recht-ungeprueft ist nicht nötig: der Wortlaut von %s wurde am %s geprüft.", "recht-ungeprueft is not needed: the wording of %s was checked on %s."},
	LawPointer:   {Error, "Das Schema von %[2]s hat kein Feld %[1]s.", "The schema of %[2]s has no field %[1]s."},

	AgrTwice:        {Error, "Die Übermittlungsregel %s gibt es schon in %s.", "The agreement %s exists already in %s."},
	AgrApplication:  {Error, "Das Fachverfahren %s gibt es nicht.", "There is no application %s."},
	AgrAuthority:    {Error, "Die Behörde %s gibt es in keiner Organisation.", "No organisation has an authority %s."},
	AgrNotOnList:    {Error, "Die Behörde %s steht nicht auf der Liste der Organisation %s.", "The authority %s is not on the list of the organisation %s."},
	AgrType:         {Error, "Für den Ereignistyp %s gibt es kein Schema.", "There is no schema of the event type %s."},
	AgrPointer:      {Error, "Das Schema von %[2]s hat kein Feld %[1]s.", "The schema of %[2]s has no field %[1]s."},
	AgrNotDerivable: {Error, "Der Ausschnitt von %[2]s lässt sich bei %[1]s nicht ableiten (%[3]s): ganz freigeben oder gar nicht.", "The cut of %[2]s cannot be derived at %[1]s (%[3]s): disclose all of it or nothing."},
	AgrLaw:          {Error, "Die Rechtsgrundlage (law) fehlt.", "The legal basis (law) is missing."},
	AgrValidity:     {Error, "Die Regel endet (%s), bevor sie beginnt (%s).", "The agreement ends (%s) before it begins (%s)."},
	AgrExpired:      {Warning, "Die Regel ist seit %s abgelaufen.", "The agreement expired on %s."},
	AgrOverlap:      {Error, "Für %[2]s von %[1]s an %[3]s gilt zur selben Zeit die Regel %[4]s.", "The agreement %[4]s is in force at the same time for %[2]s from %[1]s to %[3]s."},
	AgrWhere:        {Error, "where ist kein gültiger CESQL-Ausdruck: %s.", "where is no valid CESQL expression: %s."},
	AgrWhereName:    {Error, "Ereignisse vom Typ %[2]s haben weder ein Attribut noch eine Bedingung %[1]s.", "Events of type %[2]s have neither an attribute nor a condition %[1]s."},
	AgrMailbox:      {Error, "Das Fachverfahren %s hat kein Eingangsfach (mailbox).", "The application %s has no mailbox."},
	AgrOriginal:     {Error, "%s ist ein Original oder eine Anlage und enthält alles; eine Regel, die ausschneidet, gibt es nicht frei.", "%s is an original or attachment and holds everything; an agreement that cuts does not disclose it."},
	AgrName:         {Error, "Die Kennung %s ist nicht erlaubt: a-z, 0-9 und -, höchstens 64 Zeichen.", "The id %s is not allowed: a-z, 0-9 and -, at most 64 characters."},
	AgrSilent:       {Warning, "%s hat keine source für die Behörde %s: die Regel greift nie.", "%s has no source for the authority %s: the agreement never applies."},

	AgrGroup:      {Error, "Die Gruppe %s gibt es nicht.", "There is no group %s."},
	AgrAddress:    {Error, "Wer in der Gruppe %s gemeint ist, sagt address: sender, ein Attribut wie ags oder data.… zu einem Feld von %s mit x-adresse. %s ist das nicht.", "Who of the group %s is meant is said by address: sender, an attribute like ags, or data.… naming a field of %s with x-adresse. %s is none."},
	AgrUnapproved: {Error, "Die Behörde %s hat der Regel nicht zugestimmt. amtsbote approve trägt die Zustimmung ein.", "The authority %s has not approved the agreement. amtsbote approve enters its approval."},
	AgrStale:      {Error, "Die Zustimmung von %s galt einem anderen Text; die Regel oder ihr Ereignisschema wurde seither geändert (jetzt %s).", "The approval of %s was for another text; the agreement or its event schema has changed since (now %s)."},
	AgrStranger:   {Error, "Die Behörde %s ist an der Regel nicht beteiligt.", "The authority %s is no party to the agreement."},
	AgrExpiring:   {Warning, "Die Regel läuft am %s ab.", "The agreement expires on %s."},
	AgrClassified: {Error, "%s ist für %s nicht freigegeben, nur bis %s.", "%s is not cleared for %s, only up to %s."},
	AgrMayOverlap: {Warning, "Die Regel %[4]s kann für %[2]s von %[1]s an %[3]s zur selben Zeit gelten; dann zählt die im Alphabet erste.", "The agreement %[4]s may be in force at the same time for %[2]s from %[1]s to %[3]s; then the first in the alphabet counts."},
	AgrNobody:     {Warning, "Kein Mitglied der Gruppe %s hat eine source: die Regel greift nie.", "No member of the group %s has a source: the agreement never applies."},

	AgrNotYet: {Warning, "%s wird vermerkt, aber diese Fassung handelt noch nicht danach.", "%s is noted, but this version does not act on it yet."},

	AgrPartyTwice: {Error, "%s steht auf dieser Seite der Regel schon einmal.", "%s stands on this side of the agreement already."},
	AgrTooMany:    {Error, "Die Regel hat mehr als %d Wege (Absender mal Empfänger mal Ereignistypen). Dafür gibt es Gruppen.", "The agreement has more than %d ways (senders times receivers times event types). Groups are made for that."},

	ExmEvent:  {Error, "Das Ereignis des Beispiels wird abgelehnt: %[1]s %[2]s. %[3]s", "The event of the example is refused: %[1]s %[2]s. %[4]s"},
	ExmExpect: {Error, "%s bekommt %s, erwartet war %s.", "%s gets %s, but %s was expected."},
	ExmName:   {Error, "Das Fachverfahren %s gibt es nicht.", "There is no application %s."},

	AdpName:        {Error, "Der Name %s ist nicht erlaubt: a-z, 0-9 und -, höchstens 32 Zeichen.", "The name %s is not allowed: a-z, 0-9 and -, at most 32 characters."},
	AdpApplication: {Error, "Das Fachverfahren %s gibt es nicht.", "There is no application %s."},
	AdpKind:        {Error, "Eine Adapterart %s gibt es nicht.", "There is no kind of adapter %s."},
	AdpNoSink:      {Error, "Das Eingangsfach von %s wird durch einen Adapter geleert (mode: sink), aber keiner tut es.", "The mailbox of %s is emptied by an adapter (mode: sink), but none does."},
	AdpTwoSinks:    {Error, "Das Eingangsfach von %s leert schon der Adapter %s. Mit use: source wird dieser nur Quelle.", "The mailbox of %s is emptied by the adapter %s already. With use: source this one is a source only."},
	AdpIdle:        {Warning, "Der Adapter tut nichts: %s hat weder Quellen (sources) noch ein Eingangsfach mit mode: sink, das er bedienen könnte.", "The adapter does nothing: %s has neither sources nor a mailbox with mode: sink that it could serve."},
	AdpUse:         {Error, "Die Adapterart %s hat keine Seite %s.", "The kind of adapter %s has no %s."},
	AdpSettings:    {Error, "%s: %s", "%s: %s"},
	AdpSample:      {Error, "Aus einem Beispiel des Adapters wird ein Ereignis, das abgelehnt wird: %[1]s %[2]s. %[3]s", "An example of the adapter becomes an event that is refused: %[1]s %[2]s. %[4]s"},
	AdpUnheard:     {Warning, "Ein Ereignis %s, wie es der Adapter aus seinen Beispielen macht, bekommt niemand: keine Übermittlungsregel greift.", "An event %s, as the adapter makes it of its examples, goes to nobody: no agreement applies."},

	SchemaRefused: {Error, "Schema nicht zugelassen (%[1]s): %[2]s", "Schema not admitted (%[1]s): %[3]s"},
	SchemaTaken:   {Error, "%[2]s", "%[3]s"},
}

// Codes lists every code, for the catalogue and its tests.
func Codes() []Code {
	out := make([]Code, 0, len(catalogue))
	for code := range catalogue {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}
