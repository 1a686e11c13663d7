// Package okkomm speaks with OK.KOMM, AKDB's middleware, in SOAP 1.1, and is the
// adapter kind "okkomm".
//
// OK.KOMM has two services with one operation, callApplicationByte, whose
// parameter and answer are base64:
//
//   - XoevService (urn:akdb:ok.komm:xmeld-service): a naked XMeld message, and
//     the XMeld message that answers it; see [Client.Ask];
//   - KomService (urn:akdb:ok.komm:komm-service): the envelope ZKOCXML; see
//     [Client.Call].
//
// Both were learnt from recorded messages. The WSDL, the values of AKT_* beyond
// those recorded, and callbacks (APPS_RETURN_QUEUE) are UNVERIFIED.
package okkomm
