package flow

// CaughtUp tells whether the trail was read to its end, and what it says of the edge
// stream is carried out, or waits for room that a steward must make: what the index knows
// of the organisation's events is true.
func (p *Parking) CaughtUp() bool {
	p.mu.Lock()
	ready, known := p.ready, p.known
	p.mu.Unlock()
	if ready == nil || known {
		return known
	}
	select {
	case <-ready:
		return true
	default:
		return false
	}
}
