package xoev

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// PrintHeaders writes one tab-separated row for each file: its name as given,
// dialect, namespace, element, standard, version, test, nachrichtenUUID,
// ProzessID, code, time, key and name of author and reader. A file without
// header has a row too, with the dialect KEIN-KOPF.
//
// A file that cannot be read gets no row but a line on errOut: file, line,
// column, and what is wrong. The others are still printed, and the error says
// how many failed.
func PrintHeaders(out, errOut io.Writer, files []string) error {
	failed := 0
	for _, name := range files {
		h, err := headerOf(name)
		if err != nil {
			failed++
			if _, err := fmt.Fprintln(errOut, complaint(name, err)); err != nil {
				return fmt.Errorf("print: %w", err)
			}
			continue
		}
		if _, err := fmt.Fprintln(out, row(name, h)); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d files could not be read", failed, len(files))
	}
	return nil
}

func headerOf(name string) (*Header, error) {
	f, err := os.Open(name) //nolint:gosec // named by the caller
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.New("is a directory")
	}
	m, err := ReadFile(f, xmlguard.Defaults(), nil)
	if err != nil {
		return nil, err
	}
	return &m.Header, nil
}

func complaint(name string, err error) string {
	if refused, ok := errors.AsType[*xmlguard.Error](err); ok {
		return fmt.Sprintf("%s:%d:%d: %s (%s)", name, refused.Line, refused.Column, refused.What, refused.Code)
	}
	if at, ok := errors.AsType[*os.PathError](err); ok {
		err = at.Err
	}
	return fmt.Sprintf("%s: %v", name, err)
}

var oneLine = strings.NewReplacer("\t", " ", "\r\n", " ", "\n", " ", "\r", " ")

func row(name string, h *Header) string {
	columns := []string{
		name, string(h.Dialect), h.Namespace, h.Element, h.Standard, h.Version, h.Test, h.UUID, h.ProcessID,
		h.Code, h.Created, h.Autor.Kennung, h.Autor.Name, h.Leser.Kennung, h.Leser.Name,
	}
	for i, c := range columns {
		columns[i] = oneLine.Replace(c)
	}
	return strings.Join(columns, "\t")
}
