package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hexward/hexward/adapters/sqlite"
)

// killedEnv names the file that the test binary writes to until it is killed.
const killedEnv = "HEXWARD_TEST_WRITE_UNTIL_KILLED"

// writeUntilKilled creates users from several goroutines and prints the number
// of each that was acknowledged, beginning at the number in the environment.
func writeUntilKilled(path string) {
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	from, _ := strconv.Atoi(os.Getenv(killedEnv + "_FROM"))
	const goroutines = 16
	var wait sync.WaitGroup
	for g := range goroutines {
		wait.Go(func() {
			for n := from + g; n < from+1_000_000; n += goroutines {
				if err := create(context.Background(), store, n); err != nil {
					fmt.Println("failed:", err)
					os.Exit(1)
				}
				_, _ = os.Stdout.WriteString(strconv.Itoa(n) + "\n") // one write, so that no line is cut in two
			}
		})
	}
	wait.Wait()
}

// A process that is killed loses nothing that it acknowledged.
func TestKill(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	path := filepath.Join(t.TempDir(), "hexward.db")
	var acknowledged []int
	for round := range rounds {
		before := len(acknowledged)
		acknowledged = append(acknowledged, killOne(t, path, round*1_000_000)...)
		if len(acknowledged) == before {
			t.Errorf("round %d: nothing was acknowledged before the kill", round)
		}
		store, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, n := range acknowledged[before:] {
			has(t, store, n, true)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	store := open(t, path)
	for _, n := range acknowledged {
		has(t, store, n, true)
	}
	if got := ask(t, outside(t, path), "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity: %s", got)
	}
	t.Logf("%d writes were acknowledged in %d rounds", len(acknowledged), rounds)
}

// killOne starts a process, kills it at some moment while it writes, and returns
// what it acknowledged.
func killOne(t *testing.T, path string, from int) (acknowledged []int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), killedEnv+"="+path, killedEnv+"_FROM="+strconv.Itoa(from))
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(30*time.Second, func() { _ = command.Process.Kill() })
	defer stuck.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		text := lines.Text()
		if strings.HasPrefix(text, "failed") {
			t.Error(text)
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Errorf("line %q", text)
			continue
		}
		if len(acknowledged) == 0 {
			time.AfterFunc(time.Duration(rand.Int64N(int64(300*time.Millisecond))), func() { _ = command.Process.Kill() })
		}
		acknowledged = append(acknowledged, n)
	}
	if err := command.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
	return acknowledged
}
