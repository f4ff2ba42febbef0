# Shared by the scripts of this folder: `. scripts/lib.sh` after `set -euo pipefail`.
# Works with bash 3.2 and later, on Linux and macOS.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
LOCAL=${PARLEY_LOCAL:-$ROOT/.local}

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# alive PID: whether the process runs, whoever owns it. One that only waits to be reaped does not.
alive() {
  case $([ -z "${1:-}" ] || ps -o stat= -p "$1" 2>/dev/null) in '' | Z*) return 1 ;; esac
}

make_local() {
  mkdir -p "$LOCAL" 2>/dev/null || true
  [ -w "$LOCAL" ] || die "$LOCAL is not writable by $(id -un); set PARLEY_LOCAL to a folder that is"
  LOCAL=$(cd "$LOCAL" && pwd -P)
}

# random_hex BYTES: a secret. od reads exactly what it needs, so no pipe breaks.
random_hex() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: one below the range that systems hand out by themselves (32768 up, 49152 on macOS).
free_port() {
  local port try
  for try in 1 2 3 4 5 6 7 8 9 10; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
    port_taken "$port" || {
      echo "$port"
      return
    }
  done
  die "found no free port on 127.0.0.1 after $try tries"
}

# with_lock NAME COMMAND...: runs the command alone among all scripts of this checkout.
# The lock must not reach what the command leaves running: such things close descriptor 9.
with_lock() {
  local file=$LOCAL/$1.lock
  shift
  make_local
  if have flock; then
    (
      flock -w 180 9 || die "another script holds $file for three minutes"
      "$@"
    ) 9>>"$file"
  else
    with_lock_dir "$file.d" "$@"
  fi
}

# with_lock_dir: the same where there is no flock. A lock whose owner is gone is broken.
with_lock_dir() {
  local dir=$1 tries=0
  shift
  until mkdir "$dir" 2>/dev/null; do
    alive "$(cat "$dir/pid" 2>/dev/null)" || [ "$((tries % 10))" -ne 9 ] || rm -rf "$dir"
    tries=$((tries + 1))
    [ "$tries" -lt 900 ] || die "another script holds $dir for three minutes"
    sleep 0.2
  done
  (
    trap 'rm -rf "$dir"' EXIT
    sh -c 'echo $PPID' >"$dir/pid"
    "$@"
  )
}

# wait_gone PID SECONDS
wait_gone() {
  local n=$(($2 * 10))
  while alive "$1"; do
    [ "$n" -gt 0 ] || return 1
    n=$((n - 1))
    sleep 0.1
  done
}

# --- what the machine must have ------------------------------------------------------------------

# missing WHAT APT DNF BREW: one line on how to get it here.
missing() {
  if have apt-get; then
    die "$1 is missing: sudo apt-get install $2"
  elif have dnf; then
    die "$1 is missing: sudo dnf install $3"
  elif have brew; then
    die "$1 is missing: brew install $4"
  fi
  die "$1 is missing: install it and put it in PATH (Debian: $2, Fedora: $3, Homebrew: $4)"
}

# apt_install PACKAGE...: as root, without letting the packages start daemons of their own.
apt_install() {
  local policy=/usr/sbin/policy-rc.d made='' status=0
  say "installing $* (apt-get)"
  if [ ! -e "$policy" ] && printf '#!/bin/sh\nexit 101\n' 2>/dev/null >"$policy"; then
    chmod 755 "$policy"
    made=yes
  fi
  {
    DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=120 --no-install-recommends "$@"
  } </dev/null >"$LOCAL/apt.log" 2>&1 9>&- || status=$?
  [ -z "$made" ] || rm -f "$policy"
  [ "$status" -eq 0 ] || {
    tail -n 5 "$LOCAL/apt.log" >&2
    die "apt-get could not install $* (all of it: $LOCAL/apt.log)"
  }
}

can_apt() { is_root && have apt-get; }

ensure_go() { have go || die "Go $(sed -n 's/^go //p' "$ROOT/go.mod") or later is missing: see https://go.dev/doc/install"; }

# ensure_node: for the tests with the official clients.
ensure_node() {
  have node && have npm && return
  if can_apt; then make_local && apt_install nodejs npm; fi
  hash -r
  have node && have npm || missing "Node 18+ with npm" "nodejs npm" "nodejs npm" node
}

# python_client: succeeds if a Python has the Socket.IO client. A distribution's packages belong to its own.
python_client() {
  local python
  for python in python3 /usr/bin/python3; do
    ! "$python" -c 'import socketio, requests, websocket, aiohttp' 2>/dev/null || return 0
  done
  return 1
}

# ensure_python: for the tests with the official Python client.
ensure_python() {
  local packages='python3-socketio python3-requests python3-websocket python3-aiohttp'
  python_client && return
  # shellcheck disable=SC2086
  if can_apt; then make_local && apt_install $packages; fi
  python_client && return
  ! have apt-get || die "the Socket.IO client for Python is missing: sudo apt-get install $packages"
  die "the Socket.IO client for Python is missing: python3 -m pip install 'python-socketio[client,asyncio_client]'"
}

# ensure_nginx: for the test of the file in deploy/nginx. Distributions keep it where only root looks.
ensure_nginx() {
  PATH=$PATH:/usr/sbin
  have nginx && return
  if can_apt; then make_local && apt_install nginx-light; fi
  hash -r
  have nginx || missing nginx nginx-light nginx nginx
}

# browser: succeeds if there is one for the tests of the page; CHROMIUM names one elsewhere.
browser() {
  local name
  for name in "${CHROMIUM:-chromium-headless-shell}" chromium chromium-browser google-chrome google-chrome-stable; do
    ! have "$name" || return 0
  done
  return 1
}

# ensure_chromium: for the tests of the page, with fonts so that its pictures look like it.
ensure_chromium() {
  browser && return
  if can_apt; then make_local && apt_install chromium-headless-shell fonts-inter fonts-noto-color-emoji; fi
  hash -r
  browser || missing Chromium chromium chromium "--cask chromium"
}

# pg_bin_dir: the folder with the newest Postgres server programs, empty if there is none.
pg_bin_dir() {
  local dir
  dir=$(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
    /usr/local/opt/postgresql*/bin 2>/dev/null | sort -t/ -V 2>/dev/null | tail -n 1) || true
  if [ -n "$dir" ] && [ -x "$dir/initdb" ]; then
    echo "$dir"
  elif have initdb && have pg_ctl; then
    dirname "$(command -v initdb)"
  fi
}

ensure_postgres() {
  if [ -z "$(pg_bin_dir)" ] && can_apt; then apt_install postgresql; fi
  PGBIN=$(pg_bin_dir)
  [ -n "$PGBIN" ] || missing "PostgreSQL 15+" postgresql postgresql-server postgresql@16
  local major
  major=$("$PGBIN/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
  [ "$major" -ge 15 ] || die "PostgreSQL 15 or later is needed, $PGBIN has $major"
}

ensure_redis() {
  have redis-server && return
  if can_apt; then apt_install redis-server; fi
  hash -r
  have redis-server || missing "Redis 6.2+" redis-server redis redis
}
