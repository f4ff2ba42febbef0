#!/usr/bin/env bash
# lint.sh [all|fmt|vuln]: formatting and linters, shell scripts, known vulnerabilities of dependencies.
# The tools are built once from the Go module proxy and shared by all checkouts of this user.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

GOLANGCI=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK=golang.org/x/vuln/cmd/govulncheck@v1.8.0

# tool MODULE@VERSION: prints its path. Built aside, so that one that is there is whole.
tool() {
  local name=${1##*/} dir program
  dir=$(dirname "$(go env GOCACHE)")/parley-tools/$name-$(go env GOVERSION)
  program=$dir/${name%@*}
  if [ ! -x "$program" ]; then
    say "building $name"
    mkdir -p "$dir"
    GOBIN=$dir/$$ GOFLAGS='' go install "$1" >&2 || die "could not build $1"
    mv -f "$dir/$$/${name%@*}" "$program"
    rmdir "$dir/$$"
  fi
  echo "$program"
}

go_lint() {
  local program bad=0
  program=$(tool "$GOLANGCI")
  "$program" fmt --diff ./... || {
    say "not formatted: run make fmt"
    bad=1
  }
  "$program" run --allow-parallel-runners ./... || bad=1
  return "$bad"
}

shell_lint() {
  local file bad=0
  for file in .ci/run scripts/*.sh scripts/test.d/*.sh; do
    bash -n "$file" || bad=1
  done
  if have shellcheck; then shellcheck -x -S warning -e SC1091 .ci/run scripts/*.sh scripts/test.d/*.sh || bad=1; fi
  return "$bad"
}

# vuln: without the network there is no database to compare with, which is no fault of the code.
vuln() {
  local program log status=0
  program=$(tool "$GOVULNCHECK")
  log=$(mktemp)
  "$program" ./... >"$log" 2>&1 || status=$?
  if [ "$status" -eq 0 ]; then
    echo "no known vulnerability is reachable"
  elif grep -qE 'vuln\.go\.dev.*(dial|lookup|timeout|refused|unreachable|TLS|proxy|EOF|Forbidden)' "$log"; then
    echo "vulnerabilities not checked: vuln.go.dev cannot be reached"
    status=0
  else
    cat "$log"
  fi
  rm -f "$log"
  return "$status"
}

# all: each check runs, whatever the others say.
all() {
  local bad=''
  step "go" go_lint || bad="$bad go"
  step "shell" shell_lint || bad="$bad shell"
  step "vulnerabilities" vuln || bad="$bad vulnerabilities"
  [ -z "$bad" ] || die "lint:$bad"
  echo "lint: ok"
}

# step NAME FUNCTION: in a shell of its own, where the first error still ends it.
step() {
  local status=0
  printf '== %s\n' "$1"
  "$BASH" "${BASH_SOURCE[0]}" "$2" || status=$?
  return "$status"
}

ensure_go
case ${1:-all} in
  all | go_lint | shell_lint | vuln) "${1:-all}" ;;
  fmt) "$(tool "$GOLANGCI")" fmt ./... ;;
  *) die "usage: lint.sh [all|fmt|vuln]" ;;
esac
