#!/usr/bin/env bash
# The fault tests that take minutes: Go tests with the build tag chaos, on private servers that they
# kill and pause themselves. CHAOS_FLAGS are more flags for go test, CHAOS_TIMEOUT is for all (30m).
# A crowd of clients: CHAOS_CLIENTS (50), CHAOS_DURATION (2m), CHAOS_SEED (printed by each run).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

ensure_go
ensure_node
grep -rlE --include='*_test.go' '^//go:build .*\bchaos\b' . >/dev/null || die "there are no tests with the build tag chaos"
trap '"$ROOT/scripts/services.sh" release $$ || true' EXIT
trap 'exit 130' INT TERM HUP
env=$("$ROOT/scripts/services.sh" acquire $$)
eval "$env"
export PARLEY_TEST_DATABASE_URL=$DATABASE_URL PARLEY_TEST_REDIS_URL=$REDIS_URL
packages=$(grep -rlE --include='*_test.go' '^//go:build .*\bchaos\b' . | xargs -n 1 dirname | sort -u)
# shellcheck disable=SC2086
go test -tags chaos -run Chaos -race -count=1 -v -timeout "${CHAOS_TIMEOUT:-30m}" ${CHAOS_FLAGS:-} $packages
