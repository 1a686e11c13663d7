package federation

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// approvals checks that each authority that is a party by name has approved the
// text as it stands. The members of a group agree by joining it.
func (b *builder) approvals(d *draft) {
	a := d.agreement
	a.Digest = d.digest()
	for _, in := range d.file.Approved {
		b.approval(d, in)
	}
	// what a production federation must have, a test one may lack
	severity := finding.Warning
	if b.fed.Production && !b.lenient {
		severity = finding.Error
	}
	for _, authority := range d.approvers() {
		i := slices.IndexFunc(d.file.Approved, func(in approvalFile) bool { return in.Authority.Value == authority })
		switch {
		case i < 0:
			b.AddAs(severity, d.at(), finding.AgrUnapproved, authority)
		case a.Approved[i].Digest != a.Digest:
			at := d.file.Approved[i].Digest.At
			if at.Line == 0 {
				at = d.file.Approved[i].Authority.At
			}
			b.AddAs(severity, at, finding.AgrStale, authority, a.Digest)
		}
	}
}

func (b *builder) approval(d *draft, in approvalFile) {
	authority := in.Authority
	switch {
	case authority.Value == "":
	case !b.authorities[authority.Value]:
		b.Add(authority.At, finding.AgrAuthority, authority.Value)
	case d.whole() && !slices.Contains(d.approvers(), authority.Value):
		b.Add(authority.At, finding.AgrStranger, authority.Value)
	}
	if in.Digest.Value != "" && !digestPattern.MatchString(in.Digest.Value) {
		b.Add(in.Digest.At, finding.YAMLValue, "sha256:…")
	}
	d.agreement.Approved = append(d.agreement.Approved, Approval{authority.Value, in.On.Day, in.Ref.Value, in.Digest.Value})
}

// whole tells whether all parties are known.
func (d *draft) whole() bool {
	return len(d.senders) == len(d.file.From) && len(d.receivers) == len(d.file.To)
}

// approvers lists the authorities that are parties by name, each once.
func (d *draft) approvers() []string {
	var out []string
	for _, s := range slices.Concat(d.senders, d.receivers) {
		if s.group == nil && !slices.Contains(out, s.authority) {
			out = append(out, s.authority)
		}
	}
	return out
}

// digest is what an approval is for: what the agreement says (not how it is laid
// out), and every single field that it discloses, so that a schema that grows
// asks for a new approval.
func (d *draft) digest() string {
	h := sha256.New()
	h.Write(d.file.text[:])
	kinds := slices.Clone(d.kinds)
	sort.Slice(kinds, func(i, j int) bool { return kinds[i].schema.Type < kinds[j].schema.Type })
	for _, t := range kinds {
		h.Write([]byte("\n" + t.schema.Type + "\x00" + strings.Join(t.plan.leaves, "\x00")))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// textDigest is the digest over an agreement's values without its approvals.
func textDigest(root *strictyaml.Node) [32]byte {
	return sha256.Sum256(canonical(nil, root, "approved"))
}

// canonical writes a node so that what means the same reads the same: keys
// sorted, no comments, no white space.
func canonical(out []byte, n *strictyaml.Node, without string) []byte {
	switch n.Kind {
	case strictyaml.Mapping:
		keys := slices.Clone(n.Keys)
		slices.SortFunc(keys, func(x, y strictyaml.Entry) int { return strings.Compare(x.Key, y.Key) })
		out = append(out, '{')
		for _, e := range keys {
			if e.Key == without {
				continue
			}
			out = append(strconv.AppendQuote(out, e.Key), ':')
			out = append(canonical(out, e.Value, ""), ',')
		}
		return append(out, '}')
	case strictyaml.Sequence:
		out = append(out, '[')
		for _, item := range n.Items {
			out = append(canonical(out, item, ""), ',')
		}
		return append(out, ']')
	}
	return strconv.AppendQuote(out, string(n.Kind)+" "+n.Text)
}
