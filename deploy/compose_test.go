package deploy_test

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// compose holds the keys of the Compose specification that compose.yml uses; it
// is decoded strictly, so a misspelt or new key fails. compose-go would know
// them all, for the price of a module of its own in every CI run (108 s cold,
// facts of November 2026).
type compose struct {
	Name     string                    `yaml:"name"`
	Services map[string]composeService `yaml:"services"`
	Networks map[string]struct {
		Internal bool `yaml:"internal"`
	} `yaml:"networks"`
	Volumes map[string]struct{} `yaml:"volumes"`
	Secrets map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
}

type composeService struct {
	Image string `yaml:"image"`
	Build *struct {
		Context    string `yaml:"context"`
		Dockerfile string `yaml:"dockerfile"`
	} `yaml:"build"`
	Hostname    string            `yaml:"hostname"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Ports       []string `yaml:"ports"`
	Volumes     []string `yaml:"volumes"`
	Secrets     []string `yaml:"secrets"`
	Networks    []string `yaml:"networks"`
	Healthcheck *struct {
		Test        []string `yaml:"test"`
		Interval    string   `yaml:"interval"`
		Timeout     string   `yaml:"timeout"`
		Retries     int      `yaml:"retries"`
		StartPeriod string   `yaml:"start_period"`
	} `yaml:"healthcheck"`
	User            string   `yaml:"user"`
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
	Restart         string   `yaml:"restart"`
	StopGracePeriod string   `yaml:"stop_grace_period"`
}

func parseCompose(content string) (compose, error) {
	var c compose
	err := yaml.Load([]byte(content), &c, yaml.WithKnownFields())
	return c, err
}

func readCompose(t *testing.T) compose {
	t.Helper()
	c, err := parseCompose(read(t, "compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestComposeIsReadStrictly(t *testing.T) {
	t.Parallel()
	content := read(t, "compose.yml")
	for _, key := range []string{"healthcheck:", "read_only:", "volumes:"} {
		if _, err := parseCompose(strings.Replace(content, key, "x"+key, 1)); err == nil {
			t.Errorf("x%s was accepted", key)
		}
	}
}

func TestCompose(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	if len(c.Services) != 2 || c.Services["hub"].Command == nil || c.Services["nats"].Command == nil {
		t.Fatal("the services are not hub and nats")
	}
	for name, s := range c.Services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkHardened(t, s)
			checkImage(t, s)
			checkPorts(t, s)
			checkReferences(t, c, s)
		})
	}
	if !c.Networks["bus"].Internal {
		t.Error("the network of NATS has a way out")
	}
	if nats := c.Services["nats"]; len(nats.Ports) > 0 || !slices.Equal(nats.Networks, []string{"bus"}) {
		t.Error("NATS is reached from elsewhere than the hub")
	}
}

func TestComposeHubCommand(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	hub := c.Services["hub"]
	checkServe(t, hub.Command)
	if hub.DependsOn["nats"].Condition != "service_healthy" {
		t.Error("the hub does not wait for NATS")
	}
	for flag, want := range map[string]string{"--nats": "nats://nats:4222", "--nats-monitor": "http://nats:8222"} {
		if got := after(hub.Command, flag); got != want {
			t.Errorf("%s %s, want %s", flag, got, want)
		}
	}
	secret := strings.TrimPrefix(after(hub.Command, "--nats-nkey"), "/run/secrets/")
	if !slices.Contains(hub.Secrets, secret) {
		t.Errorf("the hub has no secret %q", secret)
	}
	for _, mounted := range []string{hub.Command[0], after(hub.Command, "--data")} {
		if !slices.ContainsFunc(hub.Volumes, func(v string) bool { return strings.Contains(v, ":"+mounted) }) {
			t.Errorf("nothing is mounted at %s", mounted)
		}
	}
}

// NATS gets every variable of nats.conf, none of them empty.
func TestComposeNATSEnvironment(t *testing.T) {
	t.Parallel()
	env := readCompose(t).Services["nats"].Environment
	if len(env) != len(natsVariables) {
		t.Errorf("variables %v, want %v", env, natsVariables)
	}
	for _, name := range natsVariables {
		value := env[name]
		if value == "" || strings.HasPrefix(value, "$") && !strings.Contains(value, ":?") {
			t.Errorf("%s may be empty", name)
		}
	}
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+)(:\?)?`)

// Every variable of compose.yml must be set, and stands in env.example.
func TestComposeVariables(t *testing.T) {
	t.Parallel()
	var used []string
	for _, m := range variable.FindAllStringSubmatch(read(t, "compose.yml"), -1) {
		used = append(used, m[1])
		if m[2] == "" {
			t.Errorf("%s has no :? and may be empty", m[1])
		}
	}
	var listed []string
	for line := range strings.Lines(read(t, "env.example")) {
		if name, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			listed = append(listed, name)
		}
	}
	slices.Sort(used)
	slices.Sort(listed)
	if used = slices.Compact(used); !slices.Equal(used, listed) {
		t.Errorf("compose.yml uses %v, env.example lists %v", used, listed)
	}
}

func checkHardened(t *testing.T, s composeService) {
	t.Helper()
	if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		t.Error("not hardened: read_only, cap_drop ALL, no-new-privileges")
	}
}

var pinnedImage = regexp.MustCompile(`^[a-z0-9./-]+:\d+\.\d+\.\d+(-[a-z0-9.]+)?$`)

func checkImage(t *testing.T, s composeService) {
	t.Helper()
	if s.Build == nil {
		if !pinnedImage.MatchString(s.Image) {
			t.Errorf("image %s is not pinned to a version", s.Image)
		}
		return
	}
	mustExist(t, filepath.Join(s.Build.Context, s.Build.Dockerfile))
}

func checkPorts(t *testing.T, s composeService) {
	t.Helper()
	for _, port := range s.Ports {
		host, _, _ := strings.Cut(port, ":")
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			t.Errorf("port %s is published beyond loopback", port)
		}
	}
}

// checkReferences: what a service names is declared, and what it mounts exists.
func checkReferences(t *testing.T, c compose, s composeService) {
	t.Helper()
	for _, name := range s.Networks {
		if _, ok := c.Networks[name]; !ok {
			t.Errorf("network %s is not declared", name)
		}
	}
	for _, name := range s.Secrets {
		if _, ok := c.Secrets[name]; !ok {
			t.Errorf("secret %s is not declared", name)
		}
	}
	for _, mount := range s.Volumes {
		if err := checkMount(c, mount); err != "" {
			t.Error(err)
		} else if strings.HasPrefix(mount, ".") {
			mustExist(t, strings.Split(mount, ":")[0])
		}
	}
}

// checkMount knows a declared volume, a file of this folder mounted read-only,
// and a variable that the operator fills.
func checkMount(c compose, mount string) string {
	source, _, _ := strings.Cut(mount, ":")
	_, declared := c.Volumes[source]
	file := strings.HasPrefix(source, ".") && strings.HasSuffix(mount, ":ro")
	operator := strings.HasPrefix(source, "${") && strings.HasSuffix(mount, ":ro")
	if declared || file || operator {
		return ""
	}
	return fmt.Sprintf("mount %s: no declared volume and no read-only file", mount)
}

// after gives the argument that follows flag.
func after(args []string, flag string) string {
	i := slices.Index(args, flag)
	if i < 0 || i+1 >= len(args) {
		return ""
	}
	return args[i+1]
}
