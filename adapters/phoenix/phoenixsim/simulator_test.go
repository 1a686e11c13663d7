package phoenixsim_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/phoenix/phoenixsim"
)

func start(t *testing.T) (*phoenixsim.Server, string) {
	t.Helper()
	s := phoenixsim.New(phoenixsim.Options{Admin: "admin", Password: "geheim", Users: []string{"kfz"}})
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	t.Cleanup(s.Stop)
	return s, web.URL
}

func notify(t *testing.T, base, user string, form url.Values, change func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		base+"/ocs/v2.php/apps/notifications/api/v2/admin_notifications/"+user, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("OCS-APIRequest", "true")
	req.SetBasicAuth("admin", "geheim")
	if change != nil {
		change(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// TestNotify: the answers that Nextcloud's documentation names.
func TestNotify(t *testing.T) {
	t.Parallel()
	s, base := start(t)
	short := func(text string) url.Values { return url.Values{"shortMessage": {text}} }
	for name, c := range map[string]struct {
		user   string
		form   url.Values
		change func(*http.Request)
		want   int
	}{
		"good":           {"kfz", url.Values{"shortMessage": {strings.Repeat("ü", 255)}, "longMessage": {strings.Repeat("ü", 4000)}}, nil, 200},
		"unknown user":   {"niemand", short("x"), nil, 404},
		"nothing":        {"kfz", url.Values{}, nil, 400},
		"short too long": {"kfz", short(strings.Repeat("x", 256)), nil, 400},
		"long too long":  {"kfz", url.Values{"shortMessage": {"x"}, "longMessage": {strings.Repeat("x", 4001)}}, nil, 400},
		"no header":      {"kfz", short("x"), func(r *http.Request) { r.Header.Del("OCS-APIRequest") }, 412},
		"no password":    {"kfz", short("x"), func(r *http.Request) { r.SetBasicAuth("admin", "x") }, 401},
	} {
		if status, body := notify(t, base, c.user, c.form, c.change); status != c.want || !strings.Contains(body, fmt.Sprintf("<statuscode>%d</statuscode>", c.want)) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if got := s.Notifications(); len(got) != 1 || got[0].User != "kfz" {
		t.Error(got)
	}
}

// Faults can be ordered by HTTP too, and only those that there are.
func TestOrders(t *testing.T) {
	t.Parallel()
	_, base := start(t)
	for body, want := range map[string]int{`{"on": "POST", "do": "503", "times": 2}`: 204, `{"on": "GET", "do": "503"}`: 400, `{"on": "POST", "do": "200"}`: 400, `{`: 400} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/sim/fehler", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != want {
			t.Errorf("%s: %d", body, res.StatusCode)
		}
	}
	for _, want := range []int{503, 503, 200} {
		if status, _ := notify(t, base, "kfz", url.Values{"shortMessage": {"x"}}, nil); status != want {
			t.Errorf("%d, want %d", status, want)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	const good = "{passwort: geheim, benutzer: [kfz], faults: [{on: POST, do: lost}]}"
	for text, want := range map[string]string{
		good: "",
		strings.Replace(good, "{", "{listen: '0.0.0.0:80', ", 1): "listen",
		strings.Replace(good, "do: lost", "do: nichts", 1):       "faults.0.do",
		strings.Replace(good, "benutzer: [kfz], ", "", 1):        "admin",
		strings.Replace(good, "{", "{farbe: rot, ", 1):           "farbe",
	} {
		err := phoenixsim.Simulator().Run(ended, adaptertest.Env(t.TempDir()), adaptertest.Settings(text))
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
