#!/usr/bin/env bash
# Every folder but web/ with a package-lock.json whose package.json has a test script: `npm ci` when the
# lock changed, then `npm test`. Read are the closing lines of node's test runner, or `N passed, N failed`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cd "$ROOT"

PASSED=0
FAILED=0

# folders: of packages that have tests.
folders() {
  local lock
  find . -name node_modules -prune -o \( -path ./.local -o -path ./web \) -prune -o -name package-lock.json -print | sort |
    while read -r lock; do
      node -e 'process.exit(require(process.argv[1]).scripts?.test ? 0 : 1)' "$PWD/$(dirname "$lock")/package.json" &&
        dirname "$lock"
    done || true
}

# install_packages: once for each lock file.
install_packages() {
  local stamp=node_modules/.installed-for sum
  sum=$(cksum <package-lock.json)
  [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ] || return 0
  npm ci --no-audit --no-fund --loglevel=error && echo "$sum" >"$stamp"
}

# number WORD FILE: the last `# WORD N` (or its prettier form) that node printed.
number() { sed -nE "s/^(#|ℹ) $1 ([0-9]+)$/\2/p" "$2" | tail -n 1; }

# numbers FILE: "PASSED FAILED"; what was skipped, cancelled or left to do has failed.
numbers() {
  local word n bad=0
  if [ -n "$(number pass "$1")" ]; then
    for word in fail cancelled skipped todo; do
      n=$(number "$word" "$1")
      bad=$((bad + ${n:-0}))
    done
    echo "$(number pass "$1") $bad"
  else
    sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$1" | tail -n 1
  fi
}

# run_folder FOLDER: all of the output only when something failed.
run_folder() {
  local log=$WORK/log status=0 found
  (cd "$1" && install_packages && npm test) </dev/null >"$log" 2>&1 || status=$?
  found=$(numbers "$log")
  # shellcheck disable=SC2086
  set -- "$1" ${found:-0 1}
  # An exit code that the numbers do not explain, or no test at all, is a failure too.
  if [ "$3" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$2" -eq 0 ]; }; then set -- "$1" "$2" 1; fi
  PASSED=$((PASSED + $2))
  FAILED=$((FAILED + $3))
  if [ "$3" -eq 0 ]; then
    echo "ok    $1 ($2 passed)"
  else
    echo "FAIL  $1 ($2 passed, $3 failed)"
    tail -n 200 "$log"
  fi
}

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
if [ -n "$(find . -name node_modules -prune -o \( -path ./.local -o -path ./web \) -prune -o -name package-lock.json -print)" ]; then
  ensure_node
  for folder in $(folders); do run_folder "$folder"; done
fi
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
