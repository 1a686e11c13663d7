package aenderungen

// EventID lets tests say which event a record becomes.
var EventID = eventID
