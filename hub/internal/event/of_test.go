package event

import "testing"

func TestOf(t *testing.T) {
	header := func(pairs ...string) map[string][]string {
		h := map[string][]string{}
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = []string{pairs[i+1]}
		}
		return h
	}
	for name, c := range map[string]struct {
		m   Message
		in  string
		seq uint64
	}{
		"said":               {Message{Subject: "quarantine.alpha.one.X", Header: header(HeaderIn, "IN_alpha", HeaderSeq, "7")}, "IN_alpha", 7},
		"a copy":             {Message{Subject: "out.beta.one.de.test.v1", Header: header(HeaderDelivery, "IN_alpha-7-beta.one")}, "IN_alpha", 7},
		"numbers in names":   {Message{Subject: "out.9-7-a.b.de.test.v1", Header: header(HeaderDelivery, "EDGE_x-5-12-9-7-a.b")}, "EDGE_x-5", 12},
		"set aside":          {Message{Subject: "parked.beta.one.out.k", Header: header(HeaderDelivery, "IN_alpha-7-beta.one", HeaderSubject, "out.beta.one.de.test.v1")}, "IN_alpha", 7},
		"said wins":          {Message{Subject: "out.beta.one.t.replay-r", Header: header(HeaderDelivery, "IN_alpha-7-beta.one-r", HeaderIn, "IN_alpha", HeaderSeq, "7")}, "IN_alpha", 7},
		"of another mailbox": {Message{Subject: "out.beta.two.de.test.v1", Header: header(HeaderDelivery, "IN_alpha-7-beta.one")}, "", 0},
		"a receipt":          {Message{Subject: "out.alpha.one.t", Header: header(HeaderDelivery, "IN_alpha-7-beta.one-verfallen")}, "", 0},
		"no number":          {Message{Subject: "out.beta.one.t", Header: header(HeaderDelivery, "IN_alpha-x-beta.one")}, "", 0},
		"half said":          {Message{Subject: "out.beta.one.t", Header: header(HeaderIn, "IN_alpha", HeaderDelivery, "IN_alpha-7-beta.one")}, "", 0},
		"a cursor":           {Message{Subject: "out.cursor.IN_alpha"}, "", 0},
		"nothing":            {Message{}, "", 0},
	} {
		if in, seq := c.m.Of(); in != c.in || seq != c.seq {
			t.Errorf("%s: %s %d, want %s %d", name, in, seq, c.in, c.seq)
		}
	}
}

func TestKeyOf(t *testing.T) {
	for _, c := range []struct {
		header map[string][]string
		want   string
	}{
		{map[string][]string{HeaderKey: {"k%20%C3%A4"}, "ce-subject": {"s"}}, "k ä"},
		{map[string][]string{HeaderKey: {"%"}}, "%"},
		{map[string][]string{"ce-correlationid": {"c%25"}, "ce-subject": {"s"}, "ce-source": {"urn:x"}}, "c%"},
		{map[string][]string{"ce-correlationid": {""}, "ce-subject": {"s"}, "ce-source": {"urn:x"}}, "s"},
		{map[string][]string{"ce-source": {"urn:x"}}, "urn:x"},
		{nil, ""},
	} {
		if got := (&Message{Header: c.header}).KeyOf(); got != c.want {
			t.Errorf("%v: %q, want %q", c.header, got, c.want)
		}
	}
}
