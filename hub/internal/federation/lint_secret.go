package federation

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// secretEnv is how the variables begin that a directory may name: no other secret
// of the process can be sent out through it.
var secretEnv = regexp.MustCompile(`^AMTSBOTE_SECRET_[A-Z0-9_]{1,64}$`)

// secretEnvs is how those of an organisation begin.
func (o *Organisation) secretEnvs() string {
	return "AMTSBOTE_SECRET_" + strings.ToUpper(strings.ReplaceAll(o.ID, "-", "_")) + "_"
}

// secretEnv tells whether a variable is one of the organisation's.
func (o *Organisation) secretEnv(name string) bool {
	return secretEnv.MatchString(name) && strings.HasPrefix(name, o.secretEnvs()) && name != o.secretEnvs()
}

// secretFile tells whether a file lies in the organisation's part of the folder of
// secrets.
func (o *Organisation) secretFile(name string) bool {
	return filepath.IsLocal(name) && !strings.Contains(name, "\\") && path.Clean(name) == name && strings.HasPrefix(name, o.ID+"/")
}

func (b *builder) notItsSecret(o *Organisation, at finding.Pos) {
	b.Add(at, finding.WhkSecret, o.ID, o.secretEnvs())
}

// envWish is a variable that an organisation wants, to be judged once all of them are
// known.
type envWish struct {
	of   *Organisation
	name string
	at   finding.Pos
}

func (b *builder) secret(o *Organisation, in secretFile) Secret {
	file, env := in.File.Value, in.Env.Value
	if (file == "") == (env == "") || file != "" && !o.secretFile(file) || env != "" && !o.secretEnv(env) {
		b.notItsSecret(o, in.at)
	} else if env != "" {
		b.envsOf = append(b.envsOf, envWish{o, env, in.at})
	}
	return Secret{File: file, Env: env}
}

// secretsOfOthers finds variables that belong to another organisation, since its name
// goes on where the asker's ends: AMTSBOTE_SECRET_A_B_C is that of a-b, not of a.
func (b *builder) secretsOfOthers() {
	if len(b.envsOf) == 0 {
		return
	}
	owners := map[string]*Organisation{}
	for _, o := range b.fed.Organisations {
		owners[o.secretEnvs()] = o
	}
	for _, w := range b.envsOf {
		for i := len(w.of.secretEnvs()); i < len(w.name)-1; i++ {
			if o := owners[w.name[:i+1]]; o != nil {
				b.Add(w.at, finding.WhkForeign, w.name, o.ID)
				break
			}
		}
	}
}
