package main

// rows are the aims that are a ratio of two benchmarks.
var rows = []row{
	verification("EdDSA", "raw", 1.05),
	verification("ES256", "raw", 1.05),
	verification("RS256", "raw", 1.05),
	verification("EdDSA", "golang-jwt", 1),
	verification("ES256", "golang-jwt", 1),
	verification("RS256", "golang-jwt", 1),
	verification("HS256", "golang-jwt", 0.2),
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
