package auth

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hexward/hexward/core/access"
	"github.com/hexward/hexward/core/session"
	"github.com/hexward/hexward/core/tenant"
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
//
// An entry takes about 250 bytes, and most of them are the principal's, so the
// rest is packed.
type sessionCache struct {
	epoch  atomic.Uint64
	shards [cacheShards]cacheShard

	idlesMu sync.Mutex
	idles   [1 << idleBits]time.Duration // the idle lives that entries refer to: one, or a few after a change of settings
	known   int                          // how many those are
}

const (
	cacheShards = 64
	idleBits    = 6 // and one more are in cached.packed
)

type cacheShard struct {
	mu         sync.RWMutex
	room       int
	young, old table
	_          [64]byte // keep neighbours' locks off this cache line
}

// cached is what is remembered of a session: enough to decide without the store.
// When it ends is the principal's Expires.
type cached struct {
	principal access.Principal
	key       cacheKey
	packed    byte         // the number of the idle life, and in the last bit whether to rotate
	seenAt    atomic.Int64 // Unix milliseconds
}

// remember makes an entry, and reports whether it may be put into the cache.
func (c *sessionCache) remember(s session.Session, u user.User) (e *cached, keep bool) {
	idle, keep := c.idle(s.Idle)
	name := u.Name.String()
	text := u.ID + s.ID + name // one piece of memory for all
	e = &cached{
		principal: access.Principal{
			Kind: access.User, Via: access.SessionCookie, Subject: text[:len(u.ID)], Name: text[len(text)-len(name):],
			Tenant: u.Tenant, Permissions: u.Permissions, Session: text[len(u.ID) : len(u.ID)+len(s.ID)],
			Expires: s.EndsAt.UnixMilli(),
		},
		packed: idle << 1,
	}
	if u.Tenant == tenant.Default {
		e.principal.Tenant = tenant.Default // not a copy of it
	}
	if s.Rotate {
		e.packed |= 1
	}
	e.seenAt.Store(s.SeenAt.UnixMilli())
	return e, keep
}

// idle returns the number of an idle life, unless there are too many of them.
func (c *sessionCache) idle(d time.Duration) (number byte, ok bool) {
	c.idlesMu.Lock()
	defer c.idlesMu.Unlock()
	for i := range c.known {
		if c.idles[i] == d {
			return byte(i), true
		}
	}
	if c.known == len(c.idles) {
		return 0, false
	}
	c.idles[c.known] = d
	c.known++
	return byte(c.known - 1), true //nolint:gosec // less than 1<<idleBits
}

// alive is session.Alive on an entry that was got from the cache.
func (c *sessionCache) alive(e *cached, now time.Time) bool {
	at := now.UnixMilli()
	idle := c.idles[e.packed>>1]
	return at < e.principal.Expires && at < e.seenAt.Load()+idle.Milliseconds()
}

// rotate reports whether the session's id should be replaced.
func (c *cached) rotate() bool { return c.packed&1 != 0 }

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
	}
	return c
}

// shard picks by bits that an attacker cannot choose: the hash is SHA-256.
func (c *sessionCache) shard(h session.Hash) *cacheShard { return &c.shards[h[0]%cacheShards] }

func (c *sessionCache) get(h session.Hash) *cached {
	sh, k := c.shard(h), keyOf(h)
	sh.mu.RLock()
	e := sh.young.get(k)
	if e != nil {
		sh.mu.RUnlock()
		return e
	}
	e = sh.old.get(k)
	sh.mu.RUnlock()
	if e != nil { // in use: into the young generation, unless it was forgotten meanwhile
		sh.mu.Lock()
		if sh.old.get(k) == e {
			sh.insert(e)
		}
		sh.mu.Unlock()
	}
	return e
}

// put remembers an entry that was read from the store after epoch was taken.
func (c *sessionCache) put(epoch uint64, h session.Hash, e *cached) {
	sh := c.shard(h)
	e.key = keyOf(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if c.epoch.Load() == epoch {
		sh.insert(e)
	}
}

func (sh *cacheShard) insert(e *cached) {
	sh.old.remove(e.key)
	if sh.young.n >= sh.room && sh.young.find(e.key) < 0 {
		sh.old, sh.young = sh.young, table{}
	}
	sh.young.put(e)
}

// forget drops what matches.
func (c *sessionCache) forget(matches func(*cached) bool) {
	c.epoch.Add(1)
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		sh.young.removeIf(matches)
		sh.old.removeIf(matches)
		sh.mu.Unlock()
	}
}

// forgetHash drops one session by the hash of its id.
func (c *sessionCache) forgetHash(h session.Hash) {
	c.epoch.Add(1)
	sh := c.shard(h)
	sh.mu.Lock()
	sh.young.remove(keyOf(h))
	sh.old.remove(keyOf(h))
	sh.mu.Unlock()
}

// forgetUser drops every session of a user.
func (c *sessionCache) forgetUser(id string) {
	c.forget(func(e *cached) bool { return e.principal.Subject == id })
}

// forgetSession drops a session by its public id.
func (c *sessionCache) forgetSession(id string) {
	c.forget(func(e *cached) bool { return e.principal.Session == id })
}

// clear drops everything.
func (c *sessionCache) clear() {
	c.epoch.Add(1)
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		sh.young, sh.old = table{}, table{}
		sh.mu.Unlock()
	}
}
