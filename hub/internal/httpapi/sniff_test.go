package httpapi

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestAmbiguousHeads: however a request that says twice where it ends writes its
// headers, it is refused, while one that says it once is not.
func TestAmbiguousHeads(t *testing.T) {
	r := route("/x", func(w http.ResponseWriter, _ *http.Request, _ *Principal) error {
		WriteJSON(w, http.StatusOK, "ok")
		return nil
	})
	r.Method = http.MethodPost
	s := start(t, Config{Routes: []Route{r}})
	defer func() { _ = s.Close() }()
	const twice, once = "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "Content-Length: 4\r\n"
	filled := "X: " + strings.Repeat("x", 66<<10) + "\r\n" // more than maxHeader, and net/http still takes it
	for what, change := range map[string]func(headers string) string{
		"as usual":           func(h string) string { return "POST /x HTTP/1.1\r\nHost: x\r\n" + h + "\r\n" },
		"line feeds alone":   func(h string) string { return strings.ReplaceAll("POST /x HTTP/1.1\r\nHost: x\r\n"+h+"\r\n", "\r", "") },
		"the last line feed": func(h string) string { return "POST /x HTTP/1.1\r\nHost: x\r\n" + h + "\n" },
		"much before it":     func(h string) string { return "POST /x HTTP/1.1\r\nHost: x\r\n" + filled + h + "\r\n" },
		"as the second, after empty lines": func(h string) string {
			return "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n|\r\n\r\nPOST /x HTTP/1.1\r\nHost: x\r\n" + h + "\r\n"
		},
	} {
		for headers, want := range map[string]string{twice: "400 SMUGGLING", once: "200 ok"} {
			if got := exchange(t, s, strings.Split(change(headers), "|")); got[:3] != want[:3] || !strings.Contains(got, want[4:]) {
				t.Errorf("%s, %q: answered %s, want %s", what, headers, got, want)
			}
		}
	}
	if got := exchange(t, s, []string{"POST /x HTTP/1.1\r\nHost: x\r\n" + strings.Repeat(filled, 2) + twice + "\r\n"}); got[:3] != "431" {
		t.Errorf("with more than net/http takes the answer is %s", got)
	}
}

// exchange sends requests, each when the one before is answered, with a body of four
// bytes at the end, and gives the last answer.
func exchange(t *testing.T, s *Server, heads []string) (got string) {
	t.Helper()
	nc, err := net.Dial("tcp", s.listen.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	in := bufio.NewReader(nc)
	for i, head := range heads {
		go func() { // the answer may come before all is read
			_, _ = io.WriteString(nc, head)
			if i == len(heads)-1 {
				_, _ = io.WriteString(nc, "0\r\n\r")
			}
		}()
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil && resp.StatusCode == http.StatusOK {
			t.Fatal(err)
		}
		got = fmt.Sprint(resp.StatusCode, " ", string(body))
	}
	return got
}
