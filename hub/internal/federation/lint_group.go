package federation

import (
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

// group checks and takes over one group's file.
func (b *builder) group(file string, in *groupFile) {
	id := in.ID.Value
	if id != "" && !agreementPattern.MatchString(id) {
		b.Add(in.ID.At, finding.GrpName, id)
	}
	if first := b.groups[id]; first != nil && id != "" {
		b.Add(in.ID.At, finding.GrpTwice, id, first.File)
		return
	}
	g := &Group{ID: id, Title: in.Title.Value, File: file, members: map[string]*Application{}, units: map[string]string{}}
	b.groups[id] = g
	b.fed.Groups = append(b.fed.Groups, g)
	for i := range in.Members {
		b.member(g, &in.Members[i])
	}
	for authority := range g.members {
		unit := b.fed.Unit(authority)
		if _, several := g.units[unit]; several {
			g.units[unit] = ""
			continue
		}
		g.units[unit] = authority
	}
}

func (b *builder) member(g *Group, in *memberFile) {
	app := b.fed.applications[in.Application.Value]
	if app == nil {
		if in.Application.Value != "" {
			b.Add(in.Application.At, finding.GrpApplication, in.Application.Value)
		}
		return
	}
	joined := false
	for _, one := range in.Authorities {
		for _, key := range b.authoritiesLike(app, one) {
			if first := g.members[key]; first != nil {
				b.Add(one.At, finding.GrpAmbiguous, key, first.ID)
				continue
			}
			g.members[key] = app
			joined = true
		}
	}
	if joined && !containsApp(g.Applications, app) {
		g.Applications = append(g.Applications, app)
	}
}

// authoritiesLike gives the authorities that a member's line names: one, or with
// ags:* all of that prefix on the list of the application's organisation.
func (b *builder) authoritiesLike(app *Application, in strictyaml.Text) []string {
	o := b.organisations[app.Organisation]
	prefix, all := strings.CutSuffix(in.Value, "*")
	if !all {
		if in.Value != "" && o.lacks(in.Value) {
			b.Add(in.At, finding.GrpNotOnList, in.Value, o.ID)
			return nil
		}
		return []string{in.Value}
	}
	var out []string
	for _, a := range o.Authorities {
		if strings.HasPrefix(a.Key, prefix) {
			out = append(out, a.Key)
		}
	}
	if len(out) == 0 {
		b.Add(in.At, finding.GrpNobody, o.ID, in.Value)
	}
	return out
}

func containsApp(list []*Application, a *Application) bool {
	for _, one := range list {
		if one == a {
			return true
		}
	}
	return false
}
