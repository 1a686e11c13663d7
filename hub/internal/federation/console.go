package federation

import (
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

// ConsoleRole is what a person may do in the console.
type ConsoleRole string

// The roles.
const (
	ConsoleSteward    ConsoleRole = "steward"    // Datensteward/in of one organisation, its own side only
	ConsoleFederation ConsoleRole = "federation" // steward of the whole federation
	ConsoleOperator   ConsoleRole = "operator"   // runs the hub: streams and adapters
	ConsoleAuditor    ConsoleRole = "auditor"    // reads everything that its sight lets it, changes nothing
)

// Sight is how much a person may see in the console, each level with those before.
type Sight int

// The levels.
const (
	SightNothing  Sight = iota
	SightCounts         // how many
	SightMetadata       // attributes of events, what was decided and why
	SightMasked         // payloads, but for fields with x-datenkategorie
	SightFull           // whole payloads, each with a reason that is recorded, for a while
)

var sights = []string{"", "counts", "metadata", "masked", "full"}

// String is how a file names the level.
func (s Sight) String() string { return sights[s] }

// ConsoleGrant lets people into the console: those whose ID token has the claims.
type ConsoleGrant struct {
	Role         ConsoleRole
	Organisation string // of ConsoleSteward only
	Sight        Sight
	Claims       []map[string]string // one of the sets is enough
}

// Admits tells whether the claims of an ID token have one of the grant's sets.
func (g *ConsoleGrant) Admits(claims map[string]any) bool {
	return slices.ContainsFunc(g.Claims, func(set map[string]string) bool { return claim(set, claims) })
}

// ConsoleGrants gives all grants that claims have.
func (f *Federation) ConsoleGrants(claims map[string]any) (out []*ConsoleGrant) {
	for _, g := range f.Console {
		if g.Admits(claims) {
			out = append(out, g)
		}
	}
	return out
}

// consoleFile is one grant.
type consoleFile struct {
	Role         strictyaml.Text                  `yaml:"role,required"`
	Organisation strictyaml.Text                  `yaml:"organisation"`
	Sight        strictyaml.Text                  `yaml:"sight"`
	OIDC         strictyaml.OneOrMany[claimsFile] `yaml:"oidc,required"`
	at           finding.Pos
}

// FromNode notes where it stands.
func (f *consoleFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	type plain consoleFile
	d.Fields(n, (*plain)(f))
	f.at = n.At
}

// usualSight of a role that a file says nothing of: no more than its work needs.
var usualSight = map[ConsoleRole]Sight{
	ConsoleSteward: SightMasked, ConsoleFederation: SightMasked, ConsoleOperator: SightCounts, ConsoleAuditor: SightMetadata,
}

// consoleGrants takes over who may enter the console. It comes after the organisations.
func (b *builder) consoleGrants() {
	for i := range b.consoleOf {
		b.consoleGrant(&b.consoleOf[i])
	}
}

func (b *builder) consoleGrant(in *consoleFile) {
	g := &ConsoleGrant{Role: ConsoleRole(in.Role.Value), Organisation: in.Organisation.Value}
	usual, known := usualSight[g.Role]
	if in.Role.Value != "" && !known {
		b.Add(in.Role.At, finding.YAMLValue, "steward | federation | operator | auditor")
	}
	g.Sight = usual
	if in.Sight.Value != "" {
		i := slices.Index(sights, in.Sight.Value)
		if i < 1 {
			b.Add(in.Sight.At, finding.YAMLValue, "counts | metadata | masked | full")
		}
		g.Sight = Sight(max(i, 0))
	}
	switch steward, o := g.Role == ConsoleSteward, in.Organisation; {
	case steward && o.Value == "":
		b.Add(in.at, finding.YAMLMissing, "organisation")
	case !steward && known && o.Value != "":
		b.Add(o.At, finding.YAMLValue, "role: steward")
	case steward && b.organisations[o.Value] == nil:
		b.Add(o.At, finding.FedConsole, o.Value)
	}
	for _, c := range in.OIDC {
		if len(c.claims) > 0 {
			g.Claims = append(g.Claims, c.claims)
		}
	}
	b.fed.Console = append(b.fed.Console, g)
}
