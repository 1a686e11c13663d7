package auskunft

// Classification is that of the answer to a question with this one.
func (c StepConfig) Classification(asked string) string { return c.classification(asked) }
