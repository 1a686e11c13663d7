package akdb

import "context"

func (s *sink) valid(context.Context, template, []byte) error { return nil }
