package xsd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Validator checks messages. It may be used by several goroutines.
type Validator struct {
	cfg     Config
	lint    string
	schemas map[name]string
	slots   chan struct{}
	env     []string
}

// Open reads the folder of schemas and looks for xmllint.
func Open(cfg Config) (*Validator, error) {
	switch {
	case cfg.Processes < 1 || cfg.Processes > 64:
		return nil, errors.New("prozesse must be from 1 to 64")
	case cfg.Timeout < time.Second || cfg.Timeout > 10*time.Minute:
		return nil, errors.New("frist must be from 1s to 10m")
	}
	lint, err := exec.LookPath(cfg.Xmllint)
	if err != nil {
		return nil, fmt.Errorf("xmllint is not there (in Debian it is in the package libxml2-utils): %w", err)
	}
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return nil, fmt.Errorf("find schemas: %w", err)
	}
	schemas, err := index(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if len(schemas) == 0 {
		return nil, errors.New("the folder of schemas has no .xsd that declares an element")
	}
	v := &Validator{cfg: cfg, lint: lint, schemas: schemas, slots: make(chan struct{}, cfg.Processes)}
	// Nothing of our own environment goes along. Schemas that import others by
	// their addresses on the web are resolved by the folder's own catalog.
	v.env = []string{"LC_ALL=C", "PATH=/nonexistent", "XML_CATALOG_FILES="}
	if catalog := filepath.Join(cfg.Dir, "catalog.xml"); isFile(catalog) {
		v.env[2] += catalog
	}
	return v, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// Required says whether messages without a schema are to be refused.
func (v *Validator) Required() bool { return v.cfg.Required }

// Check holds a message with this root element against its schema. It returns nil
// when it is valid, an *InvalidError when it is not, ErrNoSchema, ErrTimeout, or
// another error when nothing can be said.
func (v *Validator) Check(ctx context.Context, space, local string, message io.Reader) error {
	schema, ok := v.schemas[name{space, local}]
	if !ok {
		return ErrNoSchema
	}
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	case <-ctx.Done():
		return fmt.Errorf("wait for xmllint: %w", ctx.Err())
	}
	limited, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	said := &head{most: 64 << 10}
	// --huge: a document in base64 may be more than 10 MB. Size and depth are bounded
	// before, by xmlguard.
	cmd := exec.CommandContext(limited, v.lint, "--nonet", "--noout", "--huge", "--schema", schema, "-") //nolint:gosec // both from the configuration
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = message, io.Discard, said, v.env
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("run xmllint: %w", ctx.Err())
	case limited.Err() != nil:
		return ErrTimeout
	}
	return v.verdict(err, v.relative(schema), said)
}

func (v *Validator) relative(schema string) string {
	short, err := filepath.Rel(v.cfg.Dir, schema)
	if err != nil {
		return filepath.Base(schema)
	}
	return short
}

// Exit codes of xmllint.
const (
	exitSyntax  = 1 // not well-formed
	exitInvalid = 3
	exitError   = 4 // not valid, found late
	exitSchema  = 5 // the schema itself cannot be used
)

func (v *Validator) verdict(err error, schema string, said *head) error {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return fmt.Errorf("run xmllint: %w", err)
	}
	switch exit.ExitCode() {
	case exitSyntax, exitInvalid, exitError:
		return complaint(schema, said.String())
	case exitSchema:
		return fmt.Errorf("xmllint cannot use the schema %s", schema)
	}
	return fmt.Errorf("run xmllint: %w", err)
}

// complaintForm is "-:58: element jahrMonatTag: Schemas validity error : ...".
// What follows quotes the message and is left out.
var complaintForm = regexp.MustCompile(`(?m)^-:(\d{1,9}): (?:element ([\pL_][\pL\pN._-]{0,99}):)?`)

func complaint(schema, said string) *InvalidError {
	e := &InvalidError{Schema: schema}
	for i, m := range complaintForm.FindAllStringSubmatch(said, -1) {
		if i > 0 {
			e.More++
			continue
		}
		e.Line, _ = strconv.Atoi(m[1]) // at most nine digits
		e.Element = m[2]
	}
	return e
}

// head keeps the beginning of what is written to it.
type head struct {
	strings.Builder
	most int
}

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	if room := h.most - h.Len(); room > 0 {
		h.Builder.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
