package desk

import "time"

// Forget forgets what is older than that.
func (d *Desk) Forget(before time.Time) error { return forget(d.dir, before) }
