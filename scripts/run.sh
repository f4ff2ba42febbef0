#!/usr/bin/env bash
# A demo node on this machine: the page, services, settings in .local/demo.env (made once, yours to edit), then
# `parley serve --demo` in the foreground. Variables of the environment win over the file.
# Ctrl-C or TERM drains the node, then stops the services unless somebody else uses them.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SETTINGS=''
NODE=''

# setting NAME: its value in the file.
setting() { sed -n "s/^$1=//p" "$SETTINGS" 2>/dev/null | tail -n 1; }

# set_setting NAME VALUE: replaces the line, or adds one.
set_setting() {
  {
    grep -v "^$1=" "$SETTINGS" 2>/dev/null || true
    printf '%s=%s\n' "$1" "$2"
  } >"$SETTINGS.new"
  mv "$SETTINGS.new" "$SETTINGS"
}

first_free_port() {
  local port
  for port in $(seq 3001 3200); do
    port_taken "$port" || {
      echo "$port"
      return
    }
  done
  die "every port from 3001 to 3200 is taken"
}

use_port() {
  set_setting SOCKET_PORT "$1"
  set_setting FRONTEND_URL "http://localhost:3000,http://localhost:$1,http://127.0.0.1:$1"
}

# prepare_settings: makes what is missing, follows the services' addresses, keeps the rest.
prepare_settings() {
  local port
  SETTINGS=$LOCAL/demo.env
  umask 077
  [ -e "$SETTINGS" ] || cat >"$SETTINGS" <<NEW
# Settings of the demo node on this machine, made by scripts/run.sh. Edit as you like.
# The two URLs are rewritten at each start; delete the file to begin anew.
JWT_SECRET=$(random_hex 32)
SOCKET_MAX_CONNECTIONS_PER_IP=0
SOCKET_RATE_LIMIT_MESSAGES=600
NEW
  set_setting DATABASE_URL "$DATABASE_URL"
  set_setting REDIS_URL "$REDIS_URL"
  [ -z "${SOCKET_PORT:-}${LISTEN_ADDR:-}" ] || return 0
  port=$(setting SOCKET_PORT)
  if [ -z "$port" ]; then
    use_port "$(first_free_port)"
  elif port_taken "$port"; then
    use_port "$(first_free_port)"
    say "port $port is taken; using $(setting SOCKET_PORT)"
  fi
}

# load_settings: exports the lines of the file that the environment does not have.
load_settings() {
  local line name
  while IFS= read -r line; do
    case $line in '' | '#'*) continue ;; esac
    name=${line%%=*}
    [ -n "${!name+set}" ] || export "$name=${line#*=}"
  done <"$SETTINGS"
}

print_settings() {
  echo "settings ($SETTINGS):"
  grep -v '^#' "$SETTINGS" | sed -E -e 's/^([A-Z_]*SECRET[A-Z_]*=).*/\1***/' -e 's#(//[^:/@]*):[^@]*@#\1:***@#' -e 's/^/  /'
}

finish() {
  local status=$?
  trap - EXIT
  "$ROOT/scripts/services.sh" release $$ || true
  exit "$status"
}

# run_node: in a process group of its own, so that Ctrl-C reaches it through us, and once.
run_node() {
  local status=0
  set -m
  "$LOCAL/bin/parley" serve --demo </dev/null &
  NODE=$!
  set +m
  # Asked once: a second signal while it drains changes nothing.
  trap 'trap "" INT TERM HUP; say "stopping"; kill -TERM "$NODE" 2>/dev/null || true' INT TERM HUP
  wait "$NODE" || status=$?
  while alive "$NODE"; do # the wait was interrupted by the signal
    status=0
    wait "$NODE" || status=$?
  done
  NODE=''
  return "$status"
}

ensure_go
make_local
trap finish EXIT
trap 'exit 130' INT TERM HUP
env=$("$ROOT/scripts/services.sh" acquire $$)
eval "$env"
export DATABASE_URL REDIS_URL
cd "$ROOT"
mkdir -p "$LOCAL/bin"
"$ROOT/scripts/web.sh" || say "the page is left out; everything else is there"
say "building"
go build -o "$LOCAL/bin/parley" ./cmd/parley
prepare_settings
load_settings
print_settings
run_node
