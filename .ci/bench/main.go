// Command bench runs the benchmarks that the aims are about and prints ratios.
//
// The figures of the WebAssembly modules and the package around them, in the JavaScript runtimes beside jose, come the same
// way from directory wasm.
//
// A time alone says little on a shared machine, so each figure is divided by
// what was measured beside it: every round runs every benchmark once, briefly,
// and a row shows the median over the rounds of the ratio within a round.
//
//	go run ./.ci/bench [-rounds N] [-time D] [-strict] [part of a row's name]
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// figure names what a benchmark measures: in which directory, which benchmark,
// and which of its metrics ("ns/op" when empty).
type figure struct{ dir, name, metric string }

// row is a ratio, or one figure by itself, and the aim that it is held to.
type row struct {
	what  string
	of    figure
	to    figure // the zero value when the figure stands by itself
	aim   float64
	least bool // the aim is a least, not a most
	slow  bool // an operation takes so long that it needs ten times the time

	beside string // what to say beside a figure that stands by itself
}

func run(args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	rounds := flags.Int("rounds", 5, "how many rounds")
	each := flags.Duration("time", 100*time.Millisecond, "how long each benchmark runs in a round")
	strict := flags.Bool("strict", false, "fail when an aim is missed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted := slices.DeleteFunc(append(slices.Clone(rows), wasmRows(compilers())...), func(r row) bool {
		return !strings.Contains(r.what, strings.Join(flags.Args(), " "))
	})
	if len(wanted) == 0 {
		return errors.New("no row has a name like that")
	}
	// What is not one of Go's benchmarks.
	var others []row
	wanted = slices.DeleteFunc(wanted, func(r row) bool {
		if r.of.dir == wasm {
			others = append(others, r)
		}
		return r.of.dir == wasm
	})
	if missing := lacking(); len(others) > 0 && len(missing) > 0 {
		fmt.Fprintf(os.Stderr, "left out: %d rows about WebAssembly, for want of %s\n", len(others), strings.Join(missing, " and "))
		others = nil
	}
	binaries, err := os.MkdirTemp("", "hexward-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(binaries)
	suites, err := compile(wanted, binaries)
	if err != nil {
		return err
	}
	var measured []map[figure]float64
	for i := 0; i < *rounds && len(suites) > 0; i++ {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", i+1, *rounds)
		measured = append(measured, map[figure]float64{})
		for _, s := range suites {
			if err := s.run(*each, measured[i]); err != nil {
				return err
			}
		}
		if _, err := report(io.Discard, wanted, measured); err != nil {
			return err // rather now than after the last round
		}
	}
	if len(others) > 0 {
		// There are many contestants, which take turns in short slices.
		there, more, err := measureWasm(others, 8**rounds, *each/12)
		if err != nil {
			return err
		}
		wanted, measured = append(wanted, there...), append(measured, more...)
	}
	missed, err := report(os.Stdout, wanted, measured)
	if err == nil && *strict && missed > 0 {
		err = fmt.Errorf("%d aims are missed", missed)
	}
	return err
}

// suite is the compiled tests of one directory.
type suite struct {
	dir, binary string
	names       []string
	slow        map[string]bool
}

func compile(rows []row, into string) ([]suite, error) {
	var suites []suite
	for _, r := range rows {
		for _, f := range []figure{r.of, r.to} {
			if f == (figure{}) {
				continue
			}
			i := slices.IndexFunc(suites, func(s suite) bool { return s.dir == f.dir })
			if i < 0 {
				i = len(suites)
				suites = append(suites, suite{
					dir: f.dir, binary: filepath.Join(into, strings.ReplaceAll(f.dir, "/", "-")), slow: map[string]bool{},
				})
			}
			if !slices.Contains(suites[i].names, f.name) {
				suites[i].names = append(suites[i].names, f.name)
			}
			suites[i].slow[f.name] = suites[i].slow[f.name] || r.slow
		}
	}
	for _, s := range suites {
		out, err := exec.Command("go", "test", "-c", "-o", s.binary, "./"+s.dir).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("build the benchmarks of %s: %w\n%s", s.dir, err, out)
		}
	}
	return suites, nil
}

// run runs each benchmark of the suite by itself, so that none is measured in
// the heap that another left, and fills in what it measured.
func (s suite) run(each time.Duration, into map[figure]float64) error {
	for _, name := range s.names {
		parts := strings.Split(name, "/")
		for i := range parts {
			parts[i] = "^" + parts[i] + "$"
		}
		length := each
		if s.slow[name] {
			length *= 10
		}
		cmd := exec.Command(s.binary, "-test.run=^$", "-test.bench="+strings.Join(parts, "/"), "-test.benchtime="+length.String())
		cmd.Dir = s.dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s %s: %w\n%s", s.dir, name, err, out)
		}
		found := false
		for scanner := bufio.NewScanner(bytes.NewReader(out)); scanner.Scan(); {
			fields := strings.Fields(scanner.Text())
			if len(fields) < 4 || !strings.HasPrefix(fields[0], name) {
				continue
			}
			found = true
			for i := 2; i+1 < len(fields); i += 2 {
				v, err := strconv.ParseFloat(fields[i], 64)
				if err != nil {
					return fmt.Errorf("%s %s: %w", s.dir, name, err)
				}
				metric := fields[i+1]
				if metric == "ns/op" {
					metric = ""
				}
				into[figure{s.dir, name, metric}] = v
			}
		}
		if !found {
			return fmt.Errorf("%s has no benchmark %s, or it measured nothing:\n%s", s.dir, name, out)
		}
	}
	return nil
}

func report(out io.Writer, rows []row, measured []map[figure]float64) (missed int, err error) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tMEASURED\tBESIDE IT\tRATIO\tAIM\t")
	for _, r := range rows {
		var of, to, ratio []float64
		for _, m := range measured {
			a, okA := m[r.of]
			b, okB := m[r.to]
			if r.to == (figure{}) {
				b, okB = 1, true
			}
			if !okA || !okB {
				continue
			}
			of, to, ratio = append(of, a), append(to, b), append(ratio, a/b)
		}
		if len(ratio) == 0 {
			return 0, fmt.Errorf("%s: a benchmark does not report its metric", r.what)
		}
		bound, met := "≤", median(ratio) <= r.aim
		if r.least {
			bound, met = "≥", median(ratio) >= r.aim
		}
		verdict := "met"
		if !met {
			verdict = "missed"
			missed++
		}
		beside := amount(median(to), r.to.metric)
		if r.to == (figure{}) {
			beside = cmp.Or(r.beside, "-")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.3g\t%s %.4g\t%s\n",
			r.what, amount(median(of), r.of.metric), beside, median(ratio), bound, r.aim, verdict)
	}
	return missed, w.Flush()
}

func amount(v float64, metric string) string {
	switch metric {
	case "", "cpu-ns/op":
		d := time.Duration(v)
		switch {
		case d >= time.Millisecond:
			d = d.Round(10 * time.Microsecond)
		case d >= time.Microsecond:
			d = d.Round(10 * time.Nanosecond)
		}
		return d.String()
	default:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
