package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amtsbote/amtsbote/hub"
)

// pool keeps a few connections for deliveries of different keys. It has no
// goroutine: a sink is not told when it is no longer used, so that connections
// nobody uses close themselves by a timer.
type pool struct {
	set   database
	env   hub.Env
	slots chan struct{}

	mu   sync.Mutex
	idle []*idleConn
}

type idleConn struct {
	conn  *pgx.Conn
	timer *time.Timer
}

const idleTime = 30 * time.Second

func newPool(set database, env hub.Env, most int) *pool {
	return &pool{set: set, env: env, slots: make(chan struct{}, most)}
}

// errNoConnection marks what failed before anything was asked of the database.
var errNoConnection = errors.New("no connection")

// exec runs one statement, as one transaction, and tells how many rows it changed or gave.
func (p *pool) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	limited, cancel := context.WithTimeout(ctx, p.set.Timeout+grace)
	defer cancel()
	for {
		conn, fresh, err := p.take(limited)
		if err != nil {
			return 0, err
		}
		done, err := conn.Exec(limited, sql, args...)
		if sqlState(err) == "" && err != nil || conn.IsClosed() {
			hangUp(conn)
			if !fresh && limited.Err() == nil { // it may have died while nobody used it
				continue
			}
			return 0, err
		}
		p.put(conn)
		return done.RowsAffected(), err
	}
}

func (p *pool) take(ctx context.Context) (conn *pgx.Conn, fresh bool, err error) {
	if conn := p.waiting(); conn != nil {
		return conn, false, nil
	}
	// What was acknowledged must outlast a crash of the server, whatever it is set
	// to otherwise.
	conn, err = p.set.connect(ctx, p.env, map[string]string{"synchronous_commit": "on"})
	if err != nil {
		return nil, true, fmt.Errorf("%w: %w", errNoConnection, err)
	}
	return conn, true, nil
}

// waiting takes a connection that nobody uses; nil when there is none.
func (p *pool) waiting() *pgx.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		last := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if last.timer.Stop() {
			return last.conn
		}
	}
	return nil
}

func (p *pool) put(conn *pgx.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &idleConn{conn: conn}
	c.timer = time.AfterFunc(idleTime, func() { p.expire(c) })
	p.idle = append(p.idle, c)
}

func (p *pool) expire(c *idleConn) {
	p.mu.Lock()
	for i, other := range p.idle {
		if other == c {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	hangUp(c.conn)
}
