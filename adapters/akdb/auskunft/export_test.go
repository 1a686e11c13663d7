package auskunft

import "time"

// Forget forgets what is older than that.
func (d *Desk) Forget(before time.Time) error { return d.forget(before) }
