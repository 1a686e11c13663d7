package digiwf_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"go.yaml.in/yaml/v4"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/digiwf"
	"github.com/amtsbote/amtsbote/adapters/digiwf/digiwfsim"
	"github.com/amtsbote/amtsbote/hub"
)

var (
	yamlFile  = regexp.MustCompile("(?s)```yaml\n# (\\S+)\n(.*?)```")
	jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")
	simBlock  = regexp.MustCompile("(?s)```text\n(listen: .*?)```")
)

func flow(t *testing.T, v any) adaptertest.Settings {
	t.Helper()
	raw, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return adaptertest.Settings(raw)
}

// TestREADME plays the example: the simulator as federation.yaml sets it up, but on
// ports that are free, and each adapter by the code that reads it.
func TestREADME(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{dir: t.TempDir()}
	files := map[string]map[string]any{}
	for _, m := range yamlFile.FindAllStringSubmatch(string(text), -1) {
		var one map[string]any
		if err := yaml.Load([]byte(m[2]), &one); err != nil {
			t.Fatal(m[1], err)
		}
		files[m[1]] = one
	}
	checked := 0
	for name, one := range files {
		if one["kind"] != "digiwf" {
			continue
		}
		checked++
		if _, err := digiwf.Kind().Check(adaptertest.Env(h.dir), flow(t, one["settings"])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if checked != 3 {
		t.Errorf("%d adapters are shown", checked)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	simulators, _ := files["federation.yaml"]["simulators"].([]any)
	shown, _ := simulators[0].(map[string]any)["settings"].(map[string]any)
	settings := []adaptertest.Settings{flow(t, shown), adaptertest.Settings(simBlock.FindStringSubmatch(string(text))[1])}
	for _, s := range settings {
		free := strings.NewReplacer("8096", "0", "9096", "0").Replace(string(s))
		if err := digiwfsim.Simulator().Run(ended, adaptertest.Env(h.dir), adaptertest.Settings(free)); err != nil {
			t.Error(err)
		}
	}
	e := cloudevents.New()
	if err := json.Unmarshal([]byte(jsonBlock.FindStringSubmatch(string(text))[1]), &e); err != nil || e.Extensions()[hub.AttrCorrelationID] == nil {
		t.Errorf("the application is no event: %v", err)
	}
}
