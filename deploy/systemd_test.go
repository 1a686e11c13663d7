package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unitKeys are the keys that amtsbote.service may use (systemd.unit(5),
// systemd.service(5), systemd.exec(5) of systemd 252).
var unitKeys = map[string][]string{
	"Unit": {"Description", "Documentation", "Wants", "After"},
	"Service": {
		"Type", "ExecStart", "Restart", "RestartSec", "TimeoutStopSec", "User", "Group", "StateDirectory",
		"StateDirectoryMode", "UMask", "LimitNOFILE", "TimerSlackNSec",
		"ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectProc", "ProcSubset", "ProtectClock",
		"ProtectControlGroups", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules",
		"ProtectKernelTunables", "NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities",
		"LockPersonality", "MemoryDenyWriteExecute", "RemoveIPC", "RestrictAddressFamilies", "RestrictNamespaces",
		"RestrictRealtime", "RestrictSUIDSGID", "SystemCallArchitectures", "SystemCallFilter", "SystemCallErrorNumber",
	},
	"Install": {"WantedBy"},
}

const unitFile = "systemd/amtsbote.service"

// parseUnit gives section.key to the last value.
func parseUnit(t *testing.T, content string) map[string]string {
	t.Helper()
	values, section := map[string]string{}, ""
	for line := range strings.Lines(content) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		default:
			key, value, ok := strings.Cut(line, "=")
			if !ok || !slices.Contains(unitKeys[section], key) {
				t.Errorf("[%s] unknown line %q", section, line)
			}
			values[section+"."+key] = value
		}
	}
	return values
}

func TestSystemdUnit(t *testing.T) {
	t.Parallel()
	unit := parseUnit(t, read(t, unitFile))
	for key, want := range map[string]string{
		"Service.User":                  "amtsbote",
		"Service.ProtectSystem":         "strict",
		"Service.NoNewPrivileges":       "true",
		"Service.StateDirectory":        "amtsbote",
		"Service.StateDirectoryMode":    "0700",
		"Service.CapabilityBoundingSet": "",
		"Service.TimerSlackNSec":        "2ms", // hub/cmd/amtsbote/slack.go
		"Install.WantedBy":              "multi-user.target",
	} {
		if got, ok := unit[key]; !ok || got != want {
			t.Errorf("%s=%s, want %s", key, got, want)
		}
	}
	start := strings.Fields(unit["Service.ExecStart"])
	if len(start) < 2 || !slices.Equal(start[:2], []string{"/usr/bin/amtsbote", "serve"}) {
		t.Fatalf("ExecStart=%s", unit["Service.ExecStart"])
	}
	checkServe(t, start[2:])
	if data := after(start, "--data"); data != "/var/lib/"+unit["Service.StateDirectory"] {
		t.Errorf("--data %s is not the StateDirectory", data)
	}
	if !strings.Contains(read(t, "systemd/amtsbote.sysusers"), "\nu "+unit["Service.User"]+" ") {
		t.Error("amtsbote.sysusers does not make the user")
	}
}

// systemd itself reads the unit, and rates its exposure, where it is installed.
func TestSystemdAnalyze(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("not run: systemd-analyze is not on this machine")
	}
	// The program is not installed here: another one takes its place.
	unit := strings.Replace(read(t, unitFile), "/usr/bin/amtsbote", "/bin/true", 1)
	file := filepath.Join(t.TempDir(), "amtsbote.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"verify", file},
		{"security", "--offline=true", "--threshold=20", file}, // 2.0 of 10
	} {
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput()
		// Values that systemd would ignore are told with the file's name and line.
		if err != nil || strings.Contains(string(out), filepath.Base(file)+":") && args[0] == "verify" {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}
