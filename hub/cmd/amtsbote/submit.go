package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// submission is what a citizen hands in at the simulator of FIT-Connect.
type submission struct {
	file   string
	attach []string
	at     string
}

func (s *submission) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&s.file, "submit", "", "dataport: hand in this application (antrag.json, - for the standard input) at a simulator that runs, as a citizen would, and end")
	fl.StringArrayVar(&s.attach, "attach", nil, "with --submit: a file that goes with it; may be repeated")
	fl.StringVar(&s.at, "at", "http://127.0.0.1:8390", "with --submit: where the simulator listens")
}

// run hands the application in and prints under which ids it is known.
func (s *submission) run(cmd *cobra.Command) error {
	body, err := s.body(cmd.InOrStdin())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Minute) // it encrypts what is attached
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.at, "/")+"/sim/antraege", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no simulator answers there; start it with --settings, or name another place with --at: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("the application was not taken (%s): %s", resp.Status, strings.TrimSpace(string(answer)))
	}
	var done struct {
		Submission string `json:"submissionId"`
		Case       string `json:"caseId"`
	}
	if err := json.Unmarshal(answer, &done); err != nil {
		return fmt.Errorf("read the simulator's answer: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "submission %s\ncase       %s\n", done.Submission, done.Case)
	return nil
}

// body is the application with its attachments.
func (s *submission) body(in io.Reader) ([]byte, error) {
	var raw []byte
	var err error
	if s.file == "-" {
		raw, err = io.ReadAll(in)
	} else {
		raw, err = os.ReadFile(s.file)
	}
	if err != nil {
		return nil, err
	}
	var application map[string]any
	if err := json.Unmarshal(raw, &application); err != nil {
		return nil, fmt.Errorf("%s is no application as adapters/dataport/README.md describes it: %w", s.file, err)
	}
	attached, ok := application["anlagen"].([]any)
	if !ok && application["anlagen"] != nil {
		return nil, errors.New("anlagen is no list")
	}
	for _, name := range s.attach {
		content, err := os.ReadFile(name) //nolint:gosec // named by the user
		if err != nil {
			return nil, err
		}
		typ := mime.TypeByExtension(filepath.Ext(name))
		if typ == "" {
			typ = http.DetectContentType(content)
		}
		typ, _, _ = strings.Cut(typ, ";")
		attached = append(attached, map[string]any{"dateiname": filepath.Base(name), "typ": typ, "inhalt": content})
	}
	if attached != nil {
		application["anlagen"] = attached
	}
	return json.Marshal(application)
}
