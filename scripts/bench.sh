#!/usr/bin/env bash
# Load measurements: bench/run.sh with services up and their URLs in the environment.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

ensure_go
ensure_node
[ -x bench/run.sh ] || die "there is no bench/run.sh"
trap '"$ROOT/scripts/services.sh" release $$ || true' EXIT
trap 'exit 130' INT TERM HUP
env=$("$ROOT/scripts/services.sh" acquire $$)
eval "$env"
export DATABASE_URL REDIS_URL PARLEY_TEST_DATABASE_URL=$DATABASE_URL PARLEY_TEST_REDIS_URL=$REDIS_URL
bench/run.sh "$@"
