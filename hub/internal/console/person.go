package console

import (
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// person is who asks, with what the federation directory lets them do now: a grant that
// leaves the directory counts from the next request on.
type person struct {
	who    string
	local  bool
	grants []*federation.ConsoleGrant
}

// everything is what the one person on this machine may see.
var everything = []*federation.ConsoleGrant{
	{Role: federation.ConsoleFederation, Sight: federation.SightFull},
	{Role: federation.ConsoleOperator, Sight: federation.SightCounts},
}

func (s *Server) person(x *session) *person {
	p := &person{who: x.who, local: x.local}
	if x.local {
		p.grants = everything
	} else {
		p.grants = s.cfg.Hub.Federation().ConsoleGrants(x.claims)
	}
	return p
}

// sight is how much the person may see of an organisation's side.
func (p *person) sight(organisation string) (most federation.Sight) {
	for _, g := range p.grants {
		if g.Organisation == "" || g.Organisation == organisation {
			most = max(most, g.Sight)
		}
	}
	return most
}

// all is how much the person may see of everybody.
func (p *person) all() (most federation.Sight) {
	for _, g := range p.grants {
		if g.Organisation == "" {
			most = max(most, g.Sight)
		}
	}
	return most
}

// most is the highest sight that the person has of anybody.
func (p *person) most() (most federation.Sight) {
	for _, g := range p.grants {
		most = max(most, g.Sight)
	}
	return most
}

// sightOf is how much the person may see of an event: as much as of one of those that it
// concerns.
func (p *person) sightOf(in string, receivers []string) federation.Sight {
	most := p.sight(search.Sender(in))
	for _, r := range receivers {
		most = max(most, p.sight(search.Organisation(r)))
	}
	return most
}

// own are the organisations that the person is steward of.
func (p *person) own() (out []string) {
	for _, g := range p.grants {
		if g.Role == federation.ConsoleSteward && !slices.Contains(out, g.Organisation) {
			out = append(out, g.Organisation)
		}
	}
	return out
}

// acts tells whether the person may change something of an organisation: auditors and
// operators may not.
func (p *person) acts(organisation string) bool {
	return slices.ContainsFunc(p.grants, func(g *federation.ConsoleGrant) bool {
		switch g.Role {
		case federation.ConsoleFederation:
			return g.Sight >= federation.SightMetadata
		case federation.ConsoleSteward:
			return g.Organisation == organisation && g.Sight >= federation.SightMetadata
		}
		return false
	})
}

// runs tells whether the person sees how the hub runs: adapters and streams of all.
func (p *person) runs() bool { return p.all() >= federation.SightCounts }
