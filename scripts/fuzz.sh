#!/usr/bin/env bash
# Every fuzz target for FUZZTIME (60s), one after another. Crashers stay in testdata/fuzz: commit them.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

ensure_go
passed=0
failed=0
targets=$(go list -f '{{$dir := .Dir}}{{$path := .ImportPath}}{{range .TestGoFiles}}{{$path}} {{$dir}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$path}} {{$dir}}/{{.}}{{"\n"}}{{end}}' ./... |
  while read -r package file; do
    [ -z "$package" ] || sed -nE "s#^func (Fuzz[A-Za-z0-9_]*)\(.*#$package \1#p" "$file"
  done)
while read -r package target <&3; do
  [ -n "$package" ] || continue
  echo "== $package $target"
  if go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-60s}" "$package" </dev/null; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
done 3<<<"$targets"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
