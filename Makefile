# Everything there is to do with this tree. `make` alone says what.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help

# SQLite is C. A checkout that belongs to somebody else has no revision to stamp,
# and a workspace around this one is none of its business.
export CGO_ENABLED := 1
export GOWORK      := off
export GOFLAGS     := -mod=readonly -buildvcs=false

TOOL     := go tool -modfile=.ci/tools/go.mod
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 10s
ARGS     ?=
NPM      := apps/hexward/testdata/oidc apps/hexward/testdata/cognito wasm/npm wasm/runtimes

.PHONY: help
help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build the server and run it on http://127.0.0.1:8080 with ./data (ARGS='--registration verified' …)
	@exec bin/hexward serve $(ARGS)

.PHONY: build
build: needs ## build bin/hexward
	@mkdir -p bin
	go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/hexward ./apps/hexward

# The race detector watches what runs in parallel by design. Programs and
# WebAssembly run without it: their tests start processes and measure them; and so
# do the tests that count allocations, which the detector adds to.
RACED   = $$(go list ./core/... ./ports/... ./adapters/...)
UNRACED = $$(go list ./... | grep -vE '/hexward/(core|ports|adapters)(/|$$)' || true)

.PHONY: test
test: needs needs-curl needs-provider needs-postgres needs-proxies ## run every test, with the race detector on for core, ports and adapters
	go test -race -timeout 15m $(RACED)
	go test -run 'alloc|sessionBytes|Seal_Check' ./core/auth ./core/edge ./core/session ./core/token ./adapters/cache
	@unraced=$(UNRACED); [[ -z $$unraced ]] || { set -x; go test -timeout 15m $$unraced; }

.PHONY: race
race: needs needs-curl needs-provider needs-postgres needs-proxies ## run every test with the race detector on
	go test -race -timeout 20m ./...

.PHONY: fuzz
fuzz: needs ## fuzz every parser for FUZZTIME (10s)
	@FUZZTIME=$(FUZZTIME) .ci/fuzz

.PHONY: fuzz-wasm
fuzz-wasm: needs ## hold the WebAssembly modules against Go by a million inputs each (minutes)
	HEXWARD_FUZZ_WASM=1000000 go test -count=1 -timeout 90m -run 'TestDifferential|TestMemory' -v ./wasm/runtimes

.PHONY: bench
bench: build ## measure, and print each ratio beside its aim
	@HEXWARD_BINARY=$(CURDIR)/bin/hexward go run ./.ci/bench $(ARGS)

.PHONY: lint
lint: needs ## say what golangci-lint and gofumpt would have otherwise
	$(TOOL) golangci-lint run --allow-parallel-runners ./...
	@unformatted=$$(cd .ci && go tool -modfile=tools/go.mod gofumpt -l .); [[ -z $$unformatted ]] || { echo "not formatted: $$unformatted"; exit 1; }

.PHONY: generate
generate: needs ## write anew what is generated
	go generate ./...

.PHONY: verify
verify: generate ## fail if what is generated differs from what is committed
	@git diff --exit-code || { echo 'run "make generate" and commit the result' >&2; exit 1; }

.PHONY: wasm
wasm: needs ## build the WebAssembly modules into wasm/npm/dist, with TinyGo if it is there (WASM_COMPILER=tinygo or go)
	@.ci/wasm

.PHONY: clean
clean: ## remove what was built; data stays
	rm -rf bin wasm/npm/dist/*.wasm coverage.out

# Debian packages, for root; the list of packages may be old or not there yet.
export DEBIAN_FRONTEND := noninteractive
INSTALL = install() { { apt-get install -y -qq "$$@" || { apt-get update -qq && apt-get install -y -qq "$$@"; }; } >&2; }; \
	if [[ $$EUID == 0 ]] && command -v apt-get >/dev/null; then install

.PHONY: needs
needs:
	@command -v go >/dev/null || { echo 'Go is missing: install 1.26 or newer from https://go.dev/dl/' >&2; exit 1; }
	@command -v $${CC:-gcc} >/dev/null || { \
		$(INSTALL) gcc libc6-dev; \
		else echo 'A C compiler is missing, which SQLite is built with: install gcc (apt-get install gcc libc6-dev, dnf install gcc, apk add gcc musl-dev)' >&2; exit 1; fi; }

# The tests run the tour of the README, which is written with curl.
.PHONY: needs-curl
needs-curl:
	@command -v curl >/dev/null || { \
		$(INSTALL) curl; \
		else echo 'curl is missing, which the tests run the tour of README.md with: install it' >&2; exit 1; fi; }

# The tests sign in at OpenID Connect providers that run on Node, with a real
# browser. Without them those tests say that they are skipped; in CI they fail.
.PHONY: needs-provider
needs-provider:
	@command -v npm >/dev/null || echo 'npm is missing, which the tests run providers with: install Node 20 or newer' >&2
	@for dir in $(NPM); do \
		[[ ! -x "$$(command -v npm)" || -d $$dir/node_modules ]] || npm --prefix $$dir ci --ignore-scripts --no-audit --no-fund >&2; \
	done
	@command -v chromium >/dev/null || { \
		$(INSTALL) chromium; \
		else echo 'chromium is missing, which the tests sign in with: install it' >&2; fi; }

# The tests keep tenants apart in a PostgreSQL of their own, which they start and stop.
.PHONY: needs-postgres
needs-postgres:
	@compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || { \
		$(INSTALL) postgresql; \
		else echo 'PostgreSQL is missing, which the tests keep tenants apart in: install it (apt-get install postgresql)' >&2; fi; }

# The tests run the examples of apps/hexward/deploy: in nginx, which is not to start
# when it is installed, and in Caddy, which is built from its module; the first time
# that takes some minutes.
.PHONY: needs-proxies
needs-proxies:
	@command -v nginx >/dev/null || [[ -x /usr/sbin/nginx ]] || { \
		export RUNLEVEL=1; $(INSTALL) nginx-light; \
		else echo 'nginx is missing, which the tests put before an app: install it' >&2; fi; }
	@cd apps/hexward/testdata/caddy && CGO_ENABLED=0 go build -o /dev/null . || echo 'Caddy is not built, which the tests put before an app' >&2
