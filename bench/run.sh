#!/usr/bin/env bash
# Measures on the servers that DATABASE_URL and REDIS_URL name; `make bench` starts private ones.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go build -o .local/bin/parley ./cmd/parley
go build -o .local/bin/parley-bench ./bench
exec .local/bin/parley-bench --binary .local/bin/parley "$@"
