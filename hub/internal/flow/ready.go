package flow

// CaughtUp tells whether the trail was read to its end, and what it says of the edge
// stream is carried out: what the index knows of the organisation's events is true.
func (p *Parking) CaughtUp() bool {
	p.mu.Lock()
	ready := p.ready
	p.mu.Unlock()
	if ready == nil {
		return false
	}
	select {
	case <-ready:
		return true
	default:
		return false
	}
}
