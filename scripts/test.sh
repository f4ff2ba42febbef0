#!/usr/bin/env bash
# All tests: Go under the race detector against real servers, then every suite of scripts/test.d.
# The last line is the sum of all, `N passed, N failed`; a skipped test has failed.
#
#   TEST_FLAGS   more flags for go test, such as '-run Recovery'
#   TEST_PKGS    packages, default ./...; anything else leaves the other suites out
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

PASSED=0
FAILED=0
DONE=''
PREPARING=''

# finish: also after an early end there is a sum, and it is not a good one.
finish() {
  local status=$?
  trap - EXIT
  [ -z "$PREPARING" ] || kill "$PREPARING" 2>/dev/null || true
  "$ROOT/scripts/services.sh" release $$ || true
  rm -rf "$WORK"
  [ -n "$DONE" ] || FAILED=$((FAILED + 1))
  [ "$FAILED" -eq 0 ] || [ "$status" -ne 0 ] || status=1
  printf '\n%d passed, %d failed\n' "$PASSED" "$FAILED"
  exit "$status"
}

# count PASSED FAILED, of one suite.
count() {
  PASSED=$((PASSED + $1))
  FAILED=$((FAILED + $2))
}

services_up() {
  local env
  env=$("$ROOT/scripts/services.sh" acquire $$)
  eval "$env"
  export PARLEY_TEST_DATABASE_URL=$DATABASE_URL PARLEY_TEST_REDIS_URL=$REDIS_URL
}

# race_tests ARG...: go test, told as JSON. vet is part of lint; without it here nothing is done twice. What was compiled for
# one checkout need not be for another; and no program sleeps a second before it ends, as with the race detector it would.
race_tests() {
  GOFLAGS="${GOFLAGS:-} -trimpath" GORACE="${GORACE:-atexit_sleep_ms=20}" \
    go test -json -race -count=1 -vet=off -timeout 12m "$@" 2>&1
}

# What takes longest begins first: the end-to-end tests, which mostly wait, so that as many packages as there are cores are
# built and tested beside them. The few tests that this upsets are tried once more, alone, and named.
go_tests() {
  local totals=$WORK/go again=$WORK/again status=0 passed failed
  go build -o "$WORK/testsum" ./scripts/testsum
  # shellcheck disable=SC2086
  race_tests -p "$(($(getconf _NPROCESSORS_ONLN) + 1))" ${TEST_FLAGS:-} ${TEST_PKGS:-./cmd/parley/e2e ./...} |
    "$WORK/testsum" -totals "$totals" -again "$again" || status=$?
  if [ "$status" -ne 0 ] && [ -s "$again" ] && tests_again "$again"; then
    read -r passed failed <"$totals"
    count $((passed + failed)) 0
    return
  fi
  # shellcheck disable=SC2046
  count $(cat "$totals" 2>/dev/null || echo 0 1)
  [ "$status" -eq 0 ] || [ "$FAILED" -gt 0 ] || count 0 1
}

# tests_again FILE: tests that failed among all others, by themselves.
tests_again() {
  local package pattern
  while read -r package pattern <&3; do
    printf '\n== again, alone: %s %s\n' "$package" "$pattern"
    race_tests -run "$pattern" "$package" </dev/null | "$WORK/testsum" || return 1
  done 3<"$1"
  printf 'passed alone, after failing among others:\n%s\n' "$(sed 's/^/  /' "$1")"
}

# prepare_web: what the tests of the page need from elsewhere, fetched beside the Go tests. What fails here is tried
# again there, and told.
prepare_web() {
  (
    ensure_chromium
    "$ROOT/scripts/web.sh" packages
  ) </dev/null >"$WORK/web.log" 2>&1 &
  PREPARING=$!
}

# suite SCRIPT: its own last line tells its numbers.
suite() {
  local log=$WORK/suite.log status=0 line
  printf '\n== %s\n' "$(basename "$1")"
  bash "$1" </dev/null 2>&1 | tee "$log" || status=$?
  line=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$log" | tail -n 1)
  # shellcheck disable=SC2086
  count ${line:-0 1}
  [ "$status" -eq 0 ] || [ "${line##* }" != 0 ] || count 0 1
}

WORK=$(mktemp -d)
trap finish EXIT
trap 'exit 130' INT TERM HUP

ensure_go
case ${TEST_PKGS:-./...} in
  *...* | *e2e*)
    ensure_node
    ensure_python
    ensure_nginx
    ;;
esac
services_up
[ -n "${TEST_PKGS:-}" ] || prepare_web
go_tests
if [ -z "${TEST_PKGS:-}" ]; then
  wait "$PREPARING" || true
  PREPARING=''
  for script in "$ROOT"/scripts/test.d/*.sh; do
    [ -e "$script" ] && suite "$script"
  done
fi
DONE=yes
