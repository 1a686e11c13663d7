// Package eakte is the adapter kind "eakte": it files events in the E-Akte of Munich
// (Fabasoft) through its REST-EAI, version 1.2.5.
//
// Each event becomes a document that came in (Eingang) with its attachments, in a
// procedure (Vorgang) for its case, in a file (Akte). The E-Akte has no idempotency
// key: whatever is to be made is looked for first by a mark that it bears
// (Fremdkennzeichen), and its COO address is kept on disk. What was filed is answered
// with de.eakte.vorgang-angelegt.v1 and de.eakte.dokument-abgelegt.v1, which the source
// publishes.
package eakte
