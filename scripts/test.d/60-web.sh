#!/usr/bin/env bash
# The tests of web/: types, then the client, the hooks and the page, in a real browser, against the program with
# the page in it. The last line is `N passed, N failed`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cd "$ROOT"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

ensure_chromium
"$ROOT/scripts/web.sh"
go build -o "$WORK/parley" ./cmd/parley
cd web
PARLEY_BINARY=$WORK/parley npm test
