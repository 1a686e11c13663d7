// Package postgres connects applications by tables of their PostgreSQL database.
//
// The kind "postgres-outbox" reads a table to which the application adds a row for
// each event, in the transaction that changes its data (transactional outbox);
// Debezium's column names are the default. The kind "postgres-inbox" adds a row for
// each event that the application gets. [Inspect] judges an outbox table: what
// "amtsbote outbox check" prints. README.md says how a table is set up.
//
// Nothing is lost between transactions that overtake each other: the column xid
// holds the transaction that wrote a row, and a row is read only once every
// transaction up to it has ended (xid < pg_snapshot_xmin(pg_current_snapshot())).
package postgres
