#!/usr/bin/env bash
# Measures on the servers that DATABASE_URL and REDIS_URL name; `make bench` starts private ones. The comparison as a whole
# (without SCENARIO) is written to bench/results.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go build -o .local/bin/parley ./cmd/parley
go build -o .local/bin/parley-bare ./bench/peers/bare
go build -o .local/bin/parley-bench ./bench
[ -n "${SCENARIO:-}" ] || set -- --results bench/results.md "$@"
exec .local/bin/parley-bench --binary .local/bin/parley --log .local/bench.log "$@"
