package federation

// Group is a set of applications, each acting for some authorities: all resident
// registers, all vehicle registration offices. It sends as a whole, or an
// address tells which member is to receive.
type Group struct {
	ID, Title string
	// Applications that are members, each once, in the order of the file.
	Applications []*Application
	// File it stands in, relative to the directory.
	File string

	members map[string]*Application // by authority
	units   map[string]string       // authority by the administrative unit it belongs to; "" where several do
}

// Has tells whether an application is a member for an authority.
func (g *Group) Has(a *Application, authority string) bool { return g.members[authority] == a }

// Member finds the member that acts for an authority or, where no member does,
// the only one whose authority belongs to that administrative unit.
func (g *Group) Member(authority string) (a *Application, actsFor string, ok bool) {
	if a, ok := g.members[authority]; ok {
		return a, authority, true
	}
	if one := g.units[authority]; one != "" {
		return g.members[one], one, true
	}
	return nil, "", false
}

// Size is the number of authorities for which the group has a member.
func (g *Group) Size() int { return len(g.members) }
