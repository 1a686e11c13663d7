package eai

import "sync"

// Lazy opens a gateway when it is first needed: the files of its settings may come
// later than the adapter. It makes a connection for each call, since a sink has no
// moment to close one. It is safe for concurrent use.
type Lazy struct {
	Config

	mu     sync.Mutex
	client *Client
}

// Client gives the opened gateway. An error is one of the settings' files.
func (l *Lazy) Client() (*Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		return l.client, nil
	}
	conf := l.Config
	conf.OneByOne = true
	client, err := conf.Open()
	if err != nil {
		return nil, err
	}
	l.client = client
	return client, nil
}
