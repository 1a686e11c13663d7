package deploy_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type instruction struct {
	name string
	args string
}

// parseDockerfile joins continued lines and drops comments.
func parseDockerfile(content string) []instruction {
	var all []instruction
	for line := range strings.Lines(strings.ReplaceAll(content, "\\\n", " ")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, args, _ := strings.Cut(line, " ")
		all = append(all, instruction{name, strings.TrimSpace(args)})
	}
	return all
}

// stages splits at FROM.
func stages(all []instruction) [][]instruction {
	var out [][]instruction
	for _, in := range all {
		if in.name == "FROM" {
			out = append(out, nil)
		}
		if len(out) > 0 {
			out[len(out)-1] = append(out[len(out)-1], in)
		}
	}
	return out
}

// find gives the arguments of the last such instruction of a stage.
func find(stage []instruction, name string) string {
	args := ""
	for _, in := range stage {
		if in.name == name {
			args = in.args
		}
	}
	return args
}

func TestDockerfile(t *testing.T) {
	t.Parallel()
	all := parseDockerfile(read(t, "Dockerfile"))
	known := []string{"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "ENTRYPOINT", "CMD"}
	for _, in := range all {
		if !slices.Contains(known, in.name) {
			t.Errorf("unknown instruction %s %s", in.name, in.args)
		}
		if in.name == "COPY" {
			checkCopy(t, in.args)
		}
	}
	built := stages(all)
	if len(built) != 2 {
		t.Fatalf("%d stages, want build and run", len(built))
	}
	image, _, _ := strings.Cut(find(built[0], "FROM"), " ")
	if !pinnedImage.MatchString(image) {
		t.Errorf("image %s is not pinned to a version", image)
	}
	checkRunStage(t, built[1])
}

// The image holds what "task build" makes.
func TestDockerfileBuildsAsTheTask(t *testing.T) {
	t.Parallel()
	_, line, _ := strings.Cut(read(t, filepath.Join(root, "Taskfile.yml")), "  BUILD: ")
	build, _, _ := strings.Cut(line, "\n")
	if build == "" || !strings.Contains(read(t, "Dockerfile"), "CGO_ENABLED=0 "+build+" ") {
		t.Errorf("the Dockerfile does not build with %q", build)
	}
}

// checkCopy: sources from the repository exist and pass the ignore file.
func checkCopy(t *testing.T, args string) {
	t.Helper()
	if strings.HasPrefix(args, "--from=") {
		return
	}
	fields := strings.Fields(args)
	ignore := read(t, "Dockerfile.dockerignore")
	for _, source := range fields[:len(fields)-1] {
		mustExist(t, filepath.Join(root, source))
		if !strings.Contains(ignore, "\n!"+source+"\n") {
			t.Errorf("COPY %s: Dockerfile.dockerignore hides it", source)
		}
	}
}

func checkRunStage(t *testing.T, stage []instruction) {
	t.Helper()
	if from := find(stage, "FROM"); from != "scratch" {
		t.Errorf("runs in %s, want scratch", from)
	}
	user, data := find(stage, "USER"), "/var/lib/amtsbote"
	if user == "" || strings.HasPrefix(user, "0") || strings.HasPrefix(user, "root") {
		t.Errorf("runs as user %q", user)
	}
	owned := slices.ContainsFunc(stage, func(in instruction) bool {
		return in.name == "COPY" && strings.Contains(in.args, "--chown="+user+" ") && strings.HasSuffix(in.args, " "+data)
	})
	if !owned {
		t.Errorf("the image has no %s that %s may write to", data, user)
	}
	var entrypoint, command []string
	if err := json.Unmarshal([]byte(find(stage, "ENTRYPOINT")), &entrypoint); err != nil {
		t.Errorf("ENTRYPOINT: %v", err)
	}
	if err := json.Unmarshal([]byte(find(stage, "CMD")), &command); err != nil {
		t.Errorf("CMD: %v", err)
	}
	if !slices.Equal(entrypoint, []string{"/amtsbote", "serve"}) {
		t.Errorf("ENTRYPOINT %q", entrypoint)
	}
	checkServe(t, command)
}
