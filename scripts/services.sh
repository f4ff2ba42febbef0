#!/usr/bin/env bash
# A private Postgres and Redis for this checkout, below .local (or $PARLEY_LOCAL).
#
#   services.sh start          start what is not running, and keep it until `stop`
#   services.sh stop           stop both
#   services.sh remove         stop both and remove all data below .local, or $PARLEY_LOCAL
#   services.sh status         say what runs where; exit 1 unless both are up
#   services.sh env            start as above and print `export` lines for a shell to eval
#   services.sh acquire PID    start for as long as process PID lives (tests, demo)
#   services.sh release PID    PID needs them no more: stop them if nobody else does
#
# A DATABASE_URL or REDIS_URL in the environment wins: nothing is started for that one.
# Both listen on 127.0.0.1 only, with a password of their own, on ports picked at the first start.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

START_SECONDS=60

# --- the user and the folder they run with -------------------------------------------------------

# Postgres refuses to run as root, so as root both run as user postgres.
as_service() {
  if is_root; then
    (cd / && exec runuser -u postgres -- "$@") 9>&-
  else
    (cd / && exec "$@") 9>&-
  fi
}

# data_home: prints a folder that the service user can reach and write, made when absent.
data_home() {
  local home
  if ! is_root; then
    mkdir -p "$LOCAL/data"
    chmod 700 "$LOCAL/data"
    echo "$LOCAL/data"
    return
  fi
  id postgres >/dev/null 2>&1 || die "there is no user postgres to run the services as"
  if [ ! -L "$LOCAL/data" ] && [ ! -e "$LOCAL/data" ] && ! as_service test -x "$LOCAL"; then
    link_data_elsewhere
  fi
  [ -e "$LOCAL/data" ] || mkdir "$LOCAL/data"
  home=$(cd "$LOCAL/data" && pwd -P)
  chown postgres "$home"
  chmod 700 "$home"
  as_service test -w "$home" || die "user postgres cannot reach $home"
  echo "$home"
}

# link_data_elsewhere: below /root or a 0700 folder the data lives in /var/tmp instead.
link_data_elsewhere() {
  local there
  there=/var/tmp/parley-$(printf '%s' "$LOCAL" | cksum | cut -d' ' -f1)
  mkdir -m 700 "$there" 2>/dev/null || true
  [ -d "$there" ] && [ ! -L "$there" ] || die "$there is not a folder"
  case $(stat -c %U "$there") in
    root | postgres) ;;
    *) die "$there belongs to somebody else" ;;
  esac
  ln -sfn "$there" "$LOCAL/data"
}

# password NAME: made once. Readable by us alone.
password() {
  local file=$LOCAL/$1.password
  [ -s "$file" ] || (umask 077 && random_hex 16 >"$file")
  cat "$file"
}

# port NAME: the remembered one, or a new one when there is none or somebody else took it.
port() {
  local file=$LOCAL/$1.port now
  now=$(cat "$file" 2>/dev/null) || true
  if [ -z "$now" ] || port_taken "$now"; then
    now=$(free_port)
    echo "$now" >"$file"
  fi
  echo "$now"
}

# --- Postgres ------------------------------------------------------------------------------------

# pid_of FILE WORD: the pid in the first line of FILE, if that process is one with WORD in its command.
pid_of() {
  local pid
  [ -e "$1" ] || return 0
  pid=$(head -n 1 "$1" 2>/dev/null | tr -dc 0-9)
  alive "$pid" || return 0
  case $(ps -o args= -p "$pid" 2>/dev/null) in *"$2"*) echo "$pid" ;; esac
}

postgres_pid() { pid_of "$LOCAL/data/postgres/postmaster.pid" "$(cd "$LOCAL/data" 2>/dev/null && pwd -P)/postgres"; }

pg_query() {
  PGPASSWORD=$(password postgres) PGCONNECT_TIMEOUT=5 \
    "$PGBIN/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(cat "$LOCAL/postgres.port")" -U postgres -d postgres "$@"
}

# init_postgres DIR: aside first, so that an interrupted initdb leaves nothing half made.
init_postgres() {
  local data=$1 pw=$1.password
  as_service rm -rf "$data.new"
  password postgres | as_service sh -c 'umask 077 && cat >"$1"' sh "$pw"
  as_service "$PGBIN/initdb" -D "$data.new" -U postgres --encoding=UTF8 --locale=C \
    --auth=scram-sha-256 --pwfile="$pw" >"$LOCAL/initdb.log" 2>&1 </dev/null ||
    die "initdb failed: $(tail -n 1 "$LOCAL/initdb.log")"
  as_service rm -f "$pw"
  as_service sh -c "echo \"include 'parley.conf'\" >>\"\$1/postgresql.conf\"" sh "$data.new"
  as_service mv "$data.new" "$data"
}

postgres_conf() {
  cat <<CONF
listen_addresses = '127.0.0.1'
port = $1
unix_socket_directories = ''
max_connections = 600
shared_buffers = 256MB
max_wal_size = 2GB
fsync = on
synchronous_commit = on
log_timezone = 'UTC'
timezone = 'UTC'
CONF
}

# create_role: the program runs as an ordinary user that may create (test) databases, and let its commits take longer (bench).
create_role() {
  {
    echo "\\set pw '$(password parley)'"
    cat <<'SQL'
select format('create role parley login createdb password %L', :'pw')
where not exists (select from pg_roles where rolname = 'parley') \gexec
select 'create database parley owner parley'
where not exists (select from pg_database where datname = 'parley') \gexec
grant set on parameter commit_delay to parley;
SQL
  } | pg_query -At >/dev/null
}

start_postgres() {
  ensure_postgres
  local home data tries
  home=$(data_home)
  data=$home/postgres
  [ -e "$data/PG_VERSION" ] || as_service test -e "$data/PG_VERSION" || init_postgres "$data"
  if [ -z "$(postgres_pid)" ]; then
    as_service rm -f "$data/postmaster.pid"
    for tries in 1 2 3; do
      postgres_conf "$(port postgres)" | as_service sh -c 'cat >"$1/parley.conf"' sh "$data"
      as_service "$PGBIN/pg_ctl" -D "$data" -l "$home/postgres.log" -w -t "$START_SECONDS" start \
        </dev/null >"$LOCAL/pg_ctl.log" 2>&1 && break
      [ "$tries" -lt 3 ] || die "Postgres did not start: $(as_service tail -n 1 "$home/postgres.log")"
    done
  fi
  create_role
}

stop_postgres() {
  local pid
  pid=$(postgres_pid)
  [ -n "$pid" ] || return 0
  kill -INT "$pid"
  wait_gone "$pid" 30 || die "Postgres (pid $pid) does not stop"
}

database_url() {
  echo "postgres://parley:$(password parley)@127.0.0.1:$(cat "$LOCAL/postgres.port")/parley?sslmode=disable"
}

# --- Redis ---------------------------------------------------------------------------------------

redis_pid() { pid_of "$LOCAL/data/redis/redis.pid" redis-server; }

redis_conf() {
  cat <<CONF
bind 127.0.0.1
port $2
requirepass $(password redis)
daemonize yes
dir "$1"
pidfile "$1/redis.pid"
logfile "$1/redis.log"
save ""
appendonly no
CONF
}

# redis_ping: speaks the protocol itself, so that no redis-cli is needed.
redis_ping() {
  local port answer='' line
  port=$(cat "$LOCAL/redis.port")
  exec 3<>"/dev/tcp/127.0.0.1/$port" || return 1
  printf 'AUTH %s\r\nPING\r\n' "$(password redis)" >&3
  while IFS= read -r -t 2 line <&3; do
    answer=${line%$'\r'}
    [ "$answer" = +OK ] || break
  done
  exec 3>&-
  [ "$answer" = +PONG ]
}

start_redis() {
  [ -n "$(redis_pid)" ] && return
  ensure_redis
  local home dir tries n
  # Root runs Redis as user postgres too, which a machine without that package lacks.
  if is_root && ! id postgres >/dev/null 2>&1; then ensure_postgres; fi
  home=$(data_home)
  dir=$home/redis
  as_service mkdir -p "$dir"
  for tries in 1 2 3; do
    as_service rm -f "$dir/redis.pid"
    redis_conf "$dir" "$(port redis)" | as_service sh -c 'umask 077 && cat >"$1/redis.conf"' sh "$dir"
    as_service redis-server "$dir/redis.conf" </dev/null >"$LOCAL/redis-start.log" 2>&1 || true
    n=$((START_SECONDS * 10 / 3))
    while [ "$n" -gt 0 ]; do
      (redis_ping) 2>/dev/null && return
      n=$((n - 1))
      sleep 0.1
      [ -n "$(redis_pid)" ] || [ "$((n % 20))" -ne 0 ] || break
    done
    say "Redis did not answer on port $(cat "$LOCAL/redis.port"), try $tries"
    stop_redis
    rm -f "$LOCAL/redis.port"
  done
  die "Redis did not start: $(as_service tail -n 1 "$dir/redis.log")"
}

stop_redis() {
  local pid
  pid=$(redis_pid)
  [ -n "$pid" ] || return 0
  kill -TERM "$pid"
  wait_gone "$pid" 15 || die "Redis (pid $pid) does not stop"
}

redis_url() { echo "redis://:$(password redis)@127.0.0.1:$(cat "$LOCAL/redis.port")/0"; }

# --- commands ------------------------------------------------------------------------------------

start_all() {
  [ -n "${DATABASE_URL:-}" ] || start_postgres
  [ -n "${REDIS_URL:-}" ] || start_redis
  write_env
}

stop_all() {
  rm -f "$LOCAL/keep"
  stop_postgres
  stop_redis
  rm -f "$LOCAL/env"
}

# remove_all: also the folder that the data may have been put in elsewhere.
remove_all() {
  local home
  stop_all
  home=$(cd "$LOCAL/data" 2>/dev/null && pwd -P) || true
  [ -z "$home" ] || rm -rf "$home"
  find "$LOCAL" -mindepth 1 -maxdepth 1 ! -name services.lock -exec rm -rf {} +
}

# write_env: the private servers that run, for programs that find their own way (the Go tests).
write_env() {
  local tmp=$LOCAL/env.$$
  (
    umask 077
    [ -z "$(postgres_pid)" ] || echo "export DATABASE_URL='$(database_url)'"
    [ -z "$(redis_pid)" ] || echo "export REDIS_URL='$(redis_url)'"
  ) >"$tmp"
  chmod 600 "$tmp"
  mv "$tmp" "$LOCAL/env"
}

print_env() {
  echo "export DATABASE_URL='${DATABASE_URL:-$(database_url)}'"
  echo "export REDIS_URL='${REDIS_URL:-$(redis_url)}'"
}

keep() {
  start_all
  touch "$LOCAL/keep"
}

acquire() {
  mkdir -p "$LOCAL/users"
  touch "$LOCAL/users/$1"
  start_all
}

release() {
  local file
  rm -f "$LOCAL/users/$1"
  for file in "$LOCAL"/users/*; do
    [ -e "$file" ] || continue
    if alive "$(basename "$file")"; then return; fi
    rm -f "$file"
  done
  [ -e "$LOCAL/keep" ] || stop_all
}

# status_line NAME URL-FROM-OUTSIDE PID PORT
status_line() {
  if [ -n "$2" ]; then
    echo "$1: from the environment"
  elif [ -n "$3" ]; then
    echo "$1: up, pid $3, 127.0.0.1:$4"
  else
    echo "$1: down"
    return 1
  fi
}

status() {
  local up=0
  status_line Postgres "${DATABASE_URL:-}" "$(postgres_pid)" "$(cat "$LOCAL/postgres.port" 2>/dev/null)" || up=1
  status_line Redis "${REDIS_URL:-}" "$(redis_pid)" "$(cat "$LOCAL/redis.port" 2>/dev/null)" || up=1
  return "$up"
}

usage() { die "usage: services.sh start|stop|remove|status|env|acquire PID|release PID"; }

main() {
  case ${1:-} in
    start)
      with_lock services keep
      status
      ;;
    stop) [ ! -d "$LOCAL" ] || with_lock services stop_all ;;
    remove) [ ! -d "$LOCAL" ] || with_lock services remove_all ;;
    status) status ;;
    env)
      with_lock services keep
      print_env
      ;;
    acquire)
      with_lock services acquire "${2:?pid}"
      print_env
      ;;
    release) with_lock services release "${2:?pid}" ;;
    *) usage ;;
  esac
}

main "$@"
