#!/usr/bin/env bash
# The page that the program embeds: installs web/'s npm packages and builds web/dist/app, each only when what it is
# made of has changed.
#
#   web.sh             both
#   web.sh packages    only the packages
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT/web"

PACKAGES=node_modules/.installed-for
PAGE=node_modules/.page-built-from

# sum FILE...: one number for the names and contents of files.
sum() { cksum "$@" | cksum; }

# sources: what the page is built from. The tests beside it are not.
sources() {
  find package.json package-lock.json tsconfig.base.json precompress.mjs client react app \
    \( -name node_modules -o -name dist -o -name test \) -prune -o -type f -print | LC_ALL=C sort
}

install_packages() {
  local wanted
  wanted=$(sum package-lock.json package.json ./*/package.json)
  [ "$(cat "$PACKAGES" 2>/dev/null)" != "$wanted" ] || return 0
  say "installing the packages of web/ (npm ci)"
  npm ci --no-audit --no-fund --loglevel=error >"$LOCAL/npm.log" 2>&1 </dev/null 9>&- || {
    tail -n 5 "$LOCAL/npm.log" >&2
    die "npm could not install the packages of web/ (all of it: $LOCAL/npm.log)"
  }
  echo "$wanted" >"$PACKAGES"
}

build_page() {
  local wanted files
  files=$(sources)
  # shellcheck disable=SC2086
  wanted=$(sum $files)
  [ "$(cat "$PAGE" 2>/dev/null)" != "$wanted" ] || [ ! -e dist/app/index.html ] || return 0
  say "building the page (npm run build)"
  npm run build >"$LOCAL/page.log" 2>&1 </dev/null 9>&- || {
    tail -n 20 "$LOCAL/page.log" >&2
    die "the page could not be built (all of it: $LOCAL/page.log)"
  }
  echo "$wanted" >"$PAGE"
}

prepare() {
  ensure_node
  install_packages
  [ "$1" = packages ] || build_page
}

case ${1:-page} in
  page | packages) with_lock web prepare "${1:-page}" ;;
  *) die "usage: web.sh [packages]" ;;
esac
