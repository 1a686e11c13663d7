// Package georeport is the wire of Open311 GeoReport v2: what servers answer in JSON
// and XML, and the calls of a client. What a list holds stays text, field by field:
// servers write ids as numbers and as strings, and each adds fields of its own.
//
// Source: https://wiki.open311.org/GeoReport_v2.
package georeport
