// Package client speaks version 2 of FIT-Connect's Submission API as a subscriber
// does: OAuth2 client credentials, list, fetch, event log, SETs. What is said in
// other versions stays behind the interface that the adapter asks for.
package client
