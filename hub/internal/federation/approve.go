package federation

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// ErrNoParty means that an authority that is no party approves.
var ErrNoParty = errors.New("the authority is no party to the agreement")

// Approve enters the approval of an authority into the file of agreement id in
// the directory dir, in place of an earlier one of the same authority, and gives
// the file's name within the directory. Digest is filled in: it is for the text
// as it stands now. Other errors in the directory are returned as findings, and
// nothing is written.
func Approve(dir string, kinds Kinds, id string, approval Approval) (file string, found []finding.Finding, err error) {
	b := newBuilder(kinds, time.Now())
	b.lenient = true
	fed, found := b.build(take(dir, b.List))
	if fed == nil {
		return "", found, nil
	}
	a, ok := fed.Agreement(id)
	if !ok {
		return "", nil, fmt.Errorf("there is no agreement %q in %s", id, dir)
	}
	if len(a.authorities()) == 0 {
		return "", nil, fmt.Errorf("%w: %s has groups only; their members agree by joining them", ErrNoParty, id)
	}
	if !slices.Contains(a.authorities(), approval.Authority) {
		return "", nil, fmt.Errorf("%w: %s. Parties: %s", ErrNoParty, approval.Authority, strings.Join(a.authorities(), ", "))
	}
	approval.Digest = a.Digest
	list := slices.DeleteFunc(slices.Clone(a.Approved), func(old Approval) bool { return old.Authority == approval.Authority })
	list = append(list, approval)
	text := withApprovals(fed.files.files[a.File], list)
	if !says(text, a.File, b.textOf[a], list) {
		return "", nil, fmt.Errorf("%s: %w", a.File, errForm)
	}
	return a.File, nil, replaceFile(filepath.Join(dir, filepath.FromSlash(a.File)), text)
}

// says tells whether an agreement's new text reads as the old one with the
// approvals: it is written line by line, and YAML has many ways to write.
func says(text []byte, file string, old [32]byte, list []Approval) bool {
	found := &finding.List{}
	in := readAgreement(found, file, text)
	if in == nil || in.agreement == nil || found.Failed() || len(text) > maxFileBytes || in.agreement.text != old {
		return false
	}
	return slices.EqualFunc(in.agreement.Approved, list, func(is approvalFile, want Approval) bool {
		return Approval{is.Authority.Value, is.On.Day, is.Ref.Value, is.Digest.Value} == want
	})
}

// authorities lists the parties that are named, each once.
func (a *Agreement) authorities() []string {
	var out []string
	for _, p := range slices.Concat(a.From, a.To) {
		if p.Authority != "" && !slices.Contains(out, p.Authority) {
			out = append(out, p.Authority)
		}
	}
	return out
}

var (
	approvedKey = regexp.MustCompile(`^approved\s*:`)
	topLevel    = regexp.MustCompile(`^[^\s#-]`)
)

// errForm means that a file is written in a way that Approve cannot edit.
var errForm = errors.New("the agreement is not written with one key a line (braces, quoted keys, or document marks); write it so, then approve again")

// withApprovals gives an agreement's text with these approvals at the place of
// the old ones, else at its end; every other line stays as it is, also comments
// before what follows.
func withApprovals(text []byte, list []Approval) []byte {
	var block bytes.Buffer
	block.WriteString("approved:\n")
	for _, a := range list {
		fmt.Fprintf(&block, "  - {authority: %q, on: %s", a.Authority, a.On)
		if a.Ref != "" {
			fmt.Fprintf(&block, ", ref: %q", a.Ref)
		}
		fmt.Fprintf(&block, ", digest: %q}\n", a.Digest)
	}
	var out, between bytes.Buffer // between: of the old approvals, or of what follows
	written, inside := false, false
	for line := range bytes.Lines(text) {
		bare := bytes.TrimSpace(line)
		switch {
		case approvedKey.Match(line):
			inside, written = true, true
			out.Write(block.Bytes())
			continue
		case inside && (len(bare) == 0 || line[0] == '#'):
			between.Write(line)
			continue
		case inside && !topLevel.Match(line):
			between.Reset()
			continue
		}
		inside = false
		_, _ = between.WriteTo(&out)
		out.Write(line)
	}
	_, _ = between.WriteTo(&out)
	if !written {
		if n := out.Len(); n > 0 && out.Bytes()[n-1] != '\n' {
			out.WriteByte('\n')
		}
		out.Write(block.Bytes())
	}
	return out.Bytes()
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, content []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".amtsbote-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
