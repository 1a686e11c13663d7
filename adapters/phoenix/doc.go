// Package phoenix tells the people at the workplace of Phoenix and openDesk that
// something waits for them. It makes four kinds, each a sink:
//
//   - "matrix": a notice in a room (Matrix Client-Server API v3);
//   - "nextcloud": a notification to users (Nextcloud notifications, admin API v2);
//   - "mail": a mail to function mailboxes (SMTP with TLS);
//   - "webdav": no notice, but the event itself as a file in a folder.
//
// A notice is made of the event's type and an opaque reference alone: the data of an
// event are never read for it, and the operator's texts may hold only what stands in
// an allow-list. README.md says how each is set up, what was tried against what, and
// what is UNVERIFIED.
package phoenix
