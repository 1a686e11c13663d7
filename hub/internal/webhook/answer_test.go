package webhook

import (
	"net/http"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		status int
		after  string // Retry-After
		want   verdict
		wait   time.Duration
	}{
		{200, "", delivered, 0},
		{201, "", delivered, 0},
		{202, "", delivered, 0},
		{204, "", delivered, 0},
		{203, "", failed, 0},
		{206, "", failed, 0},
		{301, "", failed, 0},
		{302, "", failed, 0},
		{304, "", failed, 0},
		{307, "", failed, 0},
		{400, "", refused, 0},
		{413, "", refused, 0},
		{415, "", refused, 0},
		{422, "", refused, 0},
		{401, "", failed, 0},
		{403, "", failed, 0},
		{404, "", failed, 0},
		{405, "", failed, 0},
		{408, "", failed, 0},
		{409, "", failed, 0},
		{410, "120", gone, 0},
		{429, "120", wait, 2 * time.Minute},
		{429, "", wait, throttled},
		{429, "soon", wait, throttled},
		{429, "-1", wait, throttled},
		{429, "99999999999", wait, maxRetryAfter},
		{429, "99999999999999999999999999", wait, maxRetryAfter},
		{429, "Mon, 01 Jun 2026 12:05:00 GMT", wait, 5 * time.Minute},
		{429, "Mon, 01 Jun 2020 12:05:00 GMT", wait, 0},
		{503, "60", wait, time.Minute},
		{503, "", failed, 0},
		{500, "60", failed, 0},
		{502, "", failed, 0},
		{599, "", failed, 0},
	} {
		h := http.Header{}
		if c.after != "" {
			h.Set("Retry-After", c.after)
		}
		if v, after := judge(c.status, h, now); v != c.want || after != c.wait {
			t.Errorf("%d with Retry-After %q: %d after %s, want %d after %s", c.status, c.after, v, after, c.want, c.wait)
		}
	}
}

func TestConsented(t *testing.T) {
	for _, c := range []struct {
		origins, rates []string
		rate           int
		ok             bool
	}{
		{nil, nil, 0, false},
		{nil, []string{"100"}, 0, false},
		{[]string{"hub.example"}, []string{"100"}, 100, true},
		{[]string{"HUB.example"}, nil, 600, true},
		{[]string{"*"}, []string{"*"}, 600, true},
		{[]string{"*"}, []string{"100000"}, 600, true},
		{[]string{"other.example"}, []string{"100"}, 0, false},
		{[]string{"hub.example, other.example"}, []string{"100"}, 0, false},
		{[]string{"hub.example", "*"}, []string{"100"}, 0, false},
		{[]string{""}, []string{"100"}, 0, false},
		{[]string{"*"}, []string{"0"}, 0, false},
		{[]string{"*"}, []string{"-5"}, 0, false},
		{[]string{"*"}, []string{"1.5"}, 0, false},
		{[]string{"*"}, []string{"99999999999999999999"}, 0, false},
		{[]string{"*"}, []string{"1", "100"}, 0, false},
	} {
		h := http.Header{}
		for _, v := range c.origins {
			h.Add(headerAllowedOrigin, v)
		}
		for _, v := range c.rates {
			h.Add(headerAllowedRate, v)
		}
		if rate, ok := consented(h, "hub.example", 600); rate != c.rate || ok != c.ok {
			t.Errorf("%q, %q: %d, %v, want %d, %v", c.origins, c.rates, rate, ok, c.rate, c.ok)
		}
	}
}

// TestSign holds the vector of the Standard Webhooks libraries.
func TestSign(t *testing.T) {
	key, err := parseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	sign(h, [][]byte{key, key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := h.Get("webhook-signature"); got != want+" "+want || h.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("headers %v", h)
	}
	for _, bad := range []string{"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_AAAA", "whsec_%"} {
		if _, err := parseSecret(bad); err == nil {
			t.Errorf("%q is a secret", bad)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, s := range []string{"120", "99999999999", "Mon, 01 Jun 2026 12:05:00 GMT", "-1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if after, given := retryAfter([]string{s}, now); after < 0 || after > maxRetryAfter || !given && after != 0 {
			t.Fatalf("%q: %s, %v", s, after, given)
		}
	})
}

func FuzzConsented(f *testing.F) {
	f.Add("hub.example", "100")
	f.Add("*", "*")
	f.Fuzz(func(t *testing.T, origin, rate string) {
		n, ok := consented(http.Header{headerAllowedOrigin: {origin}, headerAllowedRate: {rate}}, "hub.example", 600)
		if ok && (n < 1 || n > 600) || !ok && n != 0 {
			t.Fatalf("%q, %q: %d, %v", origin, rate, n, ok)
		}
	})
}

func FuzzReadToken(f *testing.F) {
	f.Add([]byte(`{"access_token":"a","token_type":"Bearer","expires_in":3600}`))
	f.Add([]byte(`{"access_token":"a\nb","token_type":"bearer","expires_in":1e400}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		token, lasts, err := readToken(body)
		if err == nil && (token == "" || len(token) > maxToken || lasts <= 0 || lasts > 24*time.Hour) {
			t.Fatalf("%q: %q, %s", body, token, lasts)
		}
	})
}
