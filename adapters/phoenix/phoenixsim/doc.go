// Package phoenixsim plays the Nextcloud of an openDesk workplace: the admin API of
// its notifications (version 2) and a folder by WebDAV, with faults to order. It
// follows what Nextcloud's documentation says; what that leaves open is named in
// adapters/phoenix/README.md.
package phoenixsim
