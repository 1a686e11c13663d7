package aenderungen

import (
	"context"

	"github.com/amtsbote/amtsbote/hub"
)

// EventID lets tests say which event a record becomes.
var EventID = eventID

// Resolver gives what the alias table of that state makes of a key, and remember,
// which stores that the aliases lead to a key.
func Resolver(state hub.State) (resolve func(context.Context, string) (string, error), remember func(ctx context.Context, key string, aliases ...string) error) {
	pp := &people{state: state}
	return pp.resolve, func(ctx context.Context, key string, aliases ...string) error {
		return pp.remember(ctx, &entry{change: change{Key: key, Record: &record{}, Aliases: aliases}})
	}
}
