package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// wasm is where the figures of the modules and of the package around them are, which no benchmark of Go's measures.
const wasm = "wasm"

var signatures = []string{"RS256", "ES256", "EdDSA", "HS256"}

// ways are those to verify signatures, and at most how long each of the signatures takes beside jose's.
var ways = map[string][]float64{
	"node:crypto": {0.35, 0.6, 0.65, 0.7},
	"WebCrypto":   {0.75, 0.9, 0.9, 0.7},
	"inside":      {1, 0.8, 1.2, 0.7},
}

// wasmRows are the aims that the modules of these compilers are held to.
func wasmRows(compilers []string) (rows []row) {
	add := func(what string, of, to figure, aim float64) {
		rows = append(rows, row{what: wasm + ", " + what, of: of, to: to, aim: aim})
	}
	of := func(name, metric string) figure { return figure{wasm, name, metric} }
	against := func(runtime, way, compiler string) {
		what, metric := "/ jose", ""
		if runtime == "workerd" { // which the time of requests is not to be counted for
			what, metric = "/ jose, CPU", "cpu-ns/op"
		}
		for i, alg := range signatures {
			add(fmt.Sprintf("%s, %s, by %s: %s %s", runtime, way, compiler, alg, what),
				of(fmt.Sprintf("%s/%s %s/%s", runtime, compiler, way, alg), metric), of(runtime+"/jose/"+alg, metric), ways[way][i])
		}
	}
	again := func(runtime, way, compiler string) {
		for _, alg := range signatures[:3] { // no HMAC is remembered
			add(fmt.Sprintf("%s, by %s: %s seen before / jose, CPU", runtime, compiler, alg),
				of(fmt.Sprintf("%s/%s %s/seen %s", runtime, compiler, way, alg), "cpu-ns/op"), of(runtime+"/jose/"+alg, "cpu-ns/op"), 0.2)
		}
	}
	for i, compiler := range compilers {
		for flavour, aim := range map[string]map[string]float64{"tinygo": {"host": 12, "full": 45}, "go": {"host": 900, "full": 900}}[compiler] {
			add("size of "+flavour+" by "+compiler+", gzip, kB", of("size/"+flavour+"/"+compiler, "gzip-kB"), figure{}, aim)
		}
		against("Node", "node:crypto", compiler)
		against("Node", "WebCrypto", compiler)
		against("Node", "inside", compiler)
		again("Node", "node:crypto", compiler)
		against("workerd", "WebCrypto", compiler)
		again("workerd", "WebCrypto", compiler)
		if i == 0 {
			against("Deno", "node:crypto", compiler)
			against("Bun", "node:crypto", compiler)
		}
		add("look-up among 100,000 marks by "+compiler+", CPU in ns", of("look-up/"+compiler, "cpu-ns/op"), figure{}, 1000)
		add("first answer of a workerd with the module by "+compiler+" / without", of("cold/"+compiler, ""), of("cold/plain", ""), 1.2)
		for _, flavour := range []string{"host", "full"} {
			add("growth of "+flavour+" by "+compiler+" from 10^3 to 10^6 verifications, MiB", of("growth/"+flavour+"/"+compiler, "MiB"), figure{}, 0)
		}
		add("instance by "+compiler+" that follows bundles of 100,000 marks, MiB", of("follow/"+compiler, "MiB"), figure{}, 64)
	}
	add("size of the code around the modules, gzip, kB", of("size/glue", "gzip-kB"), figure{}, 5)
	return rows
}

// measureWasm measures what rows of the modules need, and returns those that there is something for.
func measureWasm(wanted []row, rounds int, each time.Duration) (there []row, measured []map[figure]float64, err error) {
	dir, err := os.MkdirTemp("", "hexward-bench-wasm-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	s, err := newStage(dir)
	if err != nil {
		return nil, nil, err
	}
	needs := func(prefixes ...string) bool {
		for _, r := range wanted {
			for _, prefix := range prefixes {
				if strings.HasPrefix(r.of.name, prefix) {
					return true
				}
			}
		}
		return false
	}
	add := func(what string, list []map[figure]float64, err error) error {
		fmt.Fprintf(os.Stderr, "wasm, %s: %d rounds\n", what, len(list))
		measured = append(measured, list...)
		return err
	}
	if needs("size/") {
		if err := add("sizes", []map[figure]float64{s.sizes}, s.weighAll()); err != nil {
			return nil, nil, err
		}
	}
	if needs("look-up/") {
		list, err := s.lookups(4 * rounds)
		if err := add("look-ups", list, err); err != nil {
			return nil, nil, err
		}
	}
	for _, r := range runners() {
		if needs(r.name + "/") {
			list, err := s.contest(r, rounds, each)
			if err := add(r.name, list, err); err != nil {
				return nil, nil, err
			}
		}
	}
	if needs("workerd/") {
		list, err := s.inWorkerd(rounds, each)
		if err := add("workerd", list, err); err != nil {
			return nil, nil, err
		}
	}
	if needs("cold/") {
		list, err := s.cold(rounds / 4)
		if err := add("workerd from nothing", list, err); err != nil {
			return nil, nil, err
		}
	}
	if needs("growth/", "follow/") {
		into := map[figure]float64{}
		if err := add("memory", []map[figure]float64{into}, s.memory(into)); err != nil {
			return nil, nil, err
		}
	}
	for _, r := range wanted {
		name, _, _ := strings.Cut(r.of.name, "/")
		if name == "cold" {
			name = "workerd"
		}
		if slices.Contains(s.missing, name) {
			fmt.Fprintf(os.Stderr, "left out, because %s is not installed: %s\n", name, r.what)
			continue
		}
		if r.of.metric == "gzip-kB" {
			size := func(metric string) string { return amount(s.sizes[figure{wasm, r.of.name, metric}], metric) }
			r.beside = "raw " + size("raw-kB") + ", brotli " + size("brotli-kB")
		}
		there = append(there, r)
	}
	return there, measured, nil
}

// lacking names the programs that the modules cannot be measured without.
func lacking() (list []string) {
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			list = append(list, name)
		}
	}
	return list
}
