package main

import "strings"

// Where the benchmarks of the rows are.
const (
	server = "apps/hexward"
	sqlite = "adapters/sqlite"
)

// A figure of the whole program: the processor time of a request.
func request(name string) figure {
	return figure{dir: server, name: "BenchmarkServer/" + name, metric: "cpu-ns/op"}
}

// rows are the aims that a benchmark, or a ratio of two, is held to.
var rows = []row{
	verification("EdDSA", "raw", 1.05),
	verification("ES256", "raw", 1.05),
	verification("RS256", "raw", 1.05),
	verification("EdDSA", "golang-jwt", 1),
	verification("ES256", "golang-jwt", 1),
	verification("RS256", "golang-jwt", 1),
	verification("HS256", "golang-jwt", 0.2),
	{what: "session check: bare Fiber / ours, CPU a request", of: request("bare"), to: request("session"), aim: 0.95, least: true, slow: true},
	{what: "session check that misses the cache: bare Fiber / ours", of: request("bare"), to: request("uncached"), aim: 0.5, least: true},
	{what: "bearer check, seen before: bare Fiber / ours", of: request("bare"), to: request("bearer"), aim: 0.9, least: true, slow: true},
	{what: "bearer check of another issuer's token, seen before: bare Fiber / ours", of: request("bare"), to: request("foreign"), aim: 0.9, least: true, slow: true},
	{what: "API token check, seen before: bare Fiber / ours", of: request("bare"), to: request("api-token"), aim: 0.9, least: true, slow: true},
	beyond("own, EdDSA"), beyond("own, HS256"), beyond("foreign, HS256"), beyond("foreign, ES256"), beyond("foreign, RS256"),
	decision("10 rules", "10/typical"), decision("100 rules", "100/typical"), decision("1,000 rules", "1000/typical"),
	decision("1,000 rules that overlap as much as they can", "1000/worst"),
	{
		what: "policy decision over 1,000 rules, allocations",
		of:   figure{dir: "core/access", name: "BenchmarkPolicy_Decide/1000/typical", metric: "allocs/op"}, aim: 0,
	},
	{what: "sign-in / raw argon2id, CPU", of: request("sign-in"), to: request("argon2id"), aim: 1.01, slow: true},
	{
		what: "one durable commit / one refresh under load",
		of:   figure{dir: sqlite, name: "BenchmarkWrite/insert"}, to: figure{dir: server, name: "BenchmarkServer/refresh"},
		aim: 4, least: true,
	},
	{
		what: "one durable commit / one rotation in the store under load",
		of:   figure{dir: sqlite, name: "BenchmarkWrite/insert"}, to: figure{dir: sqlite, name: "BenchmarkWrite/grouped"},
		aim: 4, least: true,
	},
	{
		what: "session read from the store / prepared read of the driver",
		of:   figure{dir: sqlite, name: "BenchmarkSessionByHash/store"}, to: figure{dir: sqlite, name: "BenchmarkSessionByHash/raw"},
		aim: 1,
	},
	{what: "memory of a cached session, bytes", of: figure{dir: "core/auth", name: "BenchmarkSessionCache_memory", metric: "bytes/session"}, aim: 250},
	{what: "start on an existing database, ms", of: figure{dir: server, name: "BenchmarkServer/start", metric: "start-ms"}, aim: 30},
	{what: "resident when idle, MiB", of: figure{dir: server, name: "BenchmarkServer/start", metric: "idle-MiB"}, aim: 20},
}

// beyond is what the check of a token that was not seen before costs beyond its
// signature, in nanoseconds.
func beyond(which string) row {
	parts := strings.Split(which, ", ")
	return row{
		what: "bearer check, first time, " + which + ": beyond the raw primitive, ns",
		of:   figure{dir: server, name: "BenchmarkBearer/" + strings.Join(parts, "/"), metric: "beyond-ns/op"}, aim: 4000,
	}
}

// decision is what deciding by a policy costs, in nanoseconds of processor time.
func decision(over, which string) row {
	return row{what: "policy decision over " + over + ", CPU in ns", of: figure{dir: "core/access", name: "BenchmarkPolicy_Decide/" + which, metric: "cpu-ns/op"}, aim: 1000}
}

func verification(algorithm, beside string, aim float64) row {
	name := map[string]string{"raw": "the raw primitive", "golang-jwt": "golang-jwt"}[beside]
	return row{
		what: "verify " + algorithm + " / " + name,
		of:   figure{dir: "core/token", name: "BenchmarkVerify/" + algorithm + "/ours"},
		to:   figure{dir: "core/token", name: "BenchmarkVerify/" + algorithm + "/" + beside},
		aim:  aim,
	}
}
