package auth

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/user"
)

// sessionCache remembers sessions by the hash of their id, so that a request
// costs no look-up in the store. It is bounded: each shard keeps two
// generations, and when the young one is full the old one is dropped, so that
// what is in use stays. Only sessions that the store has are remembered, so
// nobody can push others out by guessing.
//
// What is forgotten stays forgotten: a reader takes the epoch before it reads the
// store, and put refuses an entry when anything was forgotten since, so a read
// that was under way during a logout cannot bring the session back.
type sessionCache struct {
	epoch  atomic.Uint64
	shards [cacheShards]cacheShard
}

const cacheShards = 64

type cacheShard struct {
	mu         sync.RWMutex
	room       int
	young, old map[session.Hash]*cached
	_          [64]byte // keep neighbours' locks off this cache line
}

// cached is what is remembered of a session: enough to decide without the store.
type cached struct {
	principal access.Principal
	seenAt    atomic.Int64 // Unix milliseconds
	idle      time.Duration
	endsAt    int64 // Unix milliseconds
	rotate    bool
}

func remember(s session.Session, u user.User) *cached {
	c := &cached{
		principal: access.Principal{
			Kind: access.User, Via: access.SessionCookie, Subject: u.ID, Name: u.Name.String(),
			Tenant: u.Tenant, Permissions: u.Permissions, Session: s.ID,
		},
		idle: s.Idle, endsAt: s.EndsAt.UnixMilli(), rotate: s.Rotate,
	}
	c.seenAt.Store(s.SeenAt.UnixMilli())
	return c
}

// alive is session.Alive on what is remembered.
func (c *cached) alive(now time.Time) bool {
	at := now.UnixMilli()
	return at < c.endsAt && at < c.seenAt.Load()+c.idle.Milliseconds()
}

// stale is session.Stale on what is remembered; of concurrent callers one is told
// so, and has the store written.
func (c *cached) stale(now time.Time) bool {
	at, seen := now.UnixMilli(), c.seenAt.Load()
	return at-seen >= session.TouchEvery.Milliseconds() && c.seenAt.CompareAndSwap(seen, at)
}

func newSessionCache(size int) *sessionCache {
	c := &sessionCache{}
	for i := range c.shards {
		c.shards[i].room = max(1, size/(2*cacheShards))
		c.shards[i].young = make(map[session.Hash]*cached)
	}
	return c
}

// shard picks by bits that an attacker cannot choose: the hash is SHA-256.
func (c *sessionCache) shard(h session.Hash) *cacheShard { return &c.shards[h[0]%cacheShards] }

func (c *sessionCache) get(h session.Hash) *cached {
	sh := c.shard(h)
	sh.mu.RLock()
	e := sh.young[h]
	if e != nil {
		sh.mu.RUnlock()
		return e
	}
	e = sh.old[h]
	sh.mu.RUnlock()
	if e != nil { // in use: into the young generation, unless it was forgotten meanwhile
		sh.mu.Lock()
		if sh.old[h] == e {
			delete(sh.old, h)
			sh.insert(h, e)
		}
		sh.mu.Unlock()
	}
	return e
}

// put remembers an entry that was read from the store after epoch was taken.
func (c *sessionCache) put(epoch uint64, h session.Hash, e *cached) {
	sh := c.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if c.epoch.Load() == epoch {
		delete(sh.old, h)
		sh.insert(h, e)
	}
}

func (sh *cacheShard) insert(h session.Hash, e *cached) {
	if len(sh.young) >= sh.room {
		sh.old, sh.young = sh.young, make(map[session.Hash]*cached, sh.room)
	}
	sh.young[h] = e
}

// forget drops what matches.
func (c *sessionCache) forget(matches func(h session.Hash, e *cached) bool) {
	c.epoch.Add(1)
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		for _, generation := range []map[session.Hash]*cached{sh.young, sh.old} {
			for h, e := range generation {
				if matches(h, e) {
					delete(generation, h)
				}
			}
		}
		sh.mu.Unlock()
	}
}

// forgetHash drops one session by the hash of its id.
func (c *sessionCache) forgetHash(h session.Hash) {
	c.epoch.Add(1)
	sh := c.shard(h)
	sh.mu.Lock()
	delete(sh.young, h)
	delete(sh.old, h)
	sh.mu.Unlock()
}

// forgetUser drops every session of a user.
func (c *sessionCache) forgetUser(id string) {
	c.forget(func(_ session.Hash, e *cached) bool { return e.principal.Subject == id })
}

// forgetSession drops a session by its public id.
func (c *sessionCache) forgetSession(id string) {
	c.forget(func(_ session.Hash, e *cached) bool { return e.principal.Session == id })
}

// clear drops everything.
func (c *sessionCache) clear() {
	c.forget(func(session.Hash, *cached) bool { return true })
}
