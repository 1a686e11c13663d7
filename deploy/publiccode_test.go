package deploy_test

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// publiccode holds the keys of publiccode.yml 0.4 that the file uses; decoded
// strictly. No published checker can be had as a Go module here.
type publiccode struct {
	Version           string   `yaml:"publiccodeYmlVersion"`
	Name              string   `yaml:"name"`
	URL               string   `yaml:"url"`
	Platforms         []string `yaml:"platforms"`
	Categories        []string `yaml:"categories"`
	DevelopmentStatus string   `yaml:"developmentStatus"`
	SoftwareType      string   `yaml:"softwareType"`
	IntendedAudience  struct {
		Countries []string `yaml:"countries"`
		Scope     []string `yaml:"scope"`
	} `yaml:"intendedAudience"`
	Description map[string]struct {
		LocalisedName    string   `yaml:"localisedName"`
		ShortDescription string   `yaml:"shortDescription"`
		LongDescription  string   `yaml:"longDescription"`
		Features         []string `yaml:"features"`
	} `yaml:"description"`
	Legal struct {
		License string `yaml:"license"`
	} `yaml:"legal"`
	Maintenance struct {
		Type     string `yaml:"type"`
		Contacts []struct {
			Name string `yaml:"name"`
		} `yaml:"contacts"`
	} `yaml:"maintenance"`
	Localisation struct {
		Ready     *bool    `yaml:"localisationReady"`
		Languages []string `yaml:"availableLanguages"`
	} `yaml:"localisation"`
	DependsOn struct {
		Open []struct {
			Name       string `yaml:"name"`
			VersionMin string `yaml:"versionMin"`
			Optional   bool   `yaml:"optional"`
		} `yaml:"open"`
	} `yaml:"dependsOn"`
}

// Mandatory keys and lengths are those of the standard, version 0.4.
func TestPubliccode(t *testing.T) {
	t.Parallel()
	var p publiccode
	content := read(t, filepath.Join(root, "publiccode.yml"))
	if err := yaml.Load([]byte(content), &p, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	for what, ok := range map[string]bool{
		"version":            p.Version == "0.4",
		"name":               p.Name == "Amtsbote",
		"url":                p.URL == "https://github.com/amtsbote/amtsbote",
		"platforms":          len(p.Platforms) > 0,
		"categories":         len(p.Categories) > 0,
		"development status": p.DevelopmentStatus == "development",
		"software type":      p.SoftwareType == "standalone/backend",
		"licence":            p.Legal.License == "EUPL-1.2" && strings.HasPrefix(read(t, filepath.Join(root, "LICENSE")), "EUROPEAN UNION PUBLIC LICENCE v. 1.2\n"),
		"contacts":           p.Maintenance.Type == "community" && len(p.Maintenance.Contacts) > 0 && p.Maintenance.Contacts[0].Name != "",
		"localisation":       p.Localisation.Ready != nil && len(p.Localisation.Languages) > 0,
	} {
		if !ok {
			t.Errorf("not as the standard or the project wants it: %s", what)
		}
	}
	for _, language := range []string{"de", "en"} {
		d := p.Description[language]
		if n := utf8.RuneCountInString(d.ShortDescription); n == 0 || n > 150 {
			t.Errorf("%s: shortDescription has %d characters, want 1 to 150", language, n)
		}
		if n := utf8.RuneCountInString(d.LongDescription); n < 150 || n > 10_000 {
			t.Errorf("%s: longDescription has %d characters, want 150 to 10000", language, n)
		}
		if len(d.Features) == 0 {
			t.Errorf("%s: no features", language)
		}
	}
}
