# The shell scripts do the work; this file is their index.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test lint bench chaos fuzz web build fmt vuln cover services stop clean

help: ## This list
	@sed -nE 's/^([a-z]+):.*## (.*)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F"|" '{printf "%-12s%s\n", $$1, $$2}'

run: ## A demo node on this machine, with Postgres and Redis; Ctrl-C stops it
	@scripts/run.sh

test: ## All tests, with -race and real servers; a skipped test has failed
	@scripts/test.sh

lint: ## Formatting, linters, shell scripts, known vulnerabilities
	@scripts/lint.sh

bench: ## Parley beside its peers; writes bench/results.md (SCENARIO=… for one, all for all)
	@scripts/bench.sh

chaos: ## Long fault tests: nodes, Postgres and Redis killed under load
	@scripts/chaos.sh

fuzz: ## Every fuzz target, FUZZTIME (60s) each
	@scripts/fuzz.sh

web: ## The page, which the program embeds when it is built
	@scripts/web.sh

build: ## The program, as .local/bin/parley, with the page if make web has built it
	@mkdir -p .local/bin && go build -o .local/bin/parley ./cmd/parley

fmt: ## Format all Go code
	@scripts/lint.sh fmt

vuln: ## Known vulnerabilities of the dependencies
	@scripts/lint.sh vuln

cover: services ## Test coverage, as coverage.out
	@go test -coverpkg=./... -coverprofile=coverage.out ./... && go tool cover -func=coverage.out | tail -n 1

services: ## Start the private Postgres and Redis, until `make stop`
	@scripts/services.sh start

stop: ## Stop them
	@scripts/services.sh stop

clean: stop ## Stop them and remove their data, demo settings and binaries
	@scripts/services.sh remove
