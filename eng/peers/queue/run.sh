#!/usr/bin/env bash
# Measures queues of other projects on a private PostgreSQL, one after the other.
#   eng/peers/queue/run.sh [graphile-worker] [pg-boss] [hangfire]      default: all three
# Environment: N jobs (20000), K workers and connections (10), LATENCY jobs whose start is timed (200), HANGFIRE_N jobs for Hangfire (N / 4),
# PEER_DIR work folder (a new temporary one, removed at the end), PEER_PORT (55432), and versions: see below.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export N="${N:-20000}" K="${K:-10}" LATENCY="${LATENCY:-200}" PEER_PORT="${PEER_PORT:-55432}"
GRAPHILE_WORKER="${GRAPHILE_WORKER:-0.17.3}"
PG_BOSS="${PG_BOSS:-10.4.2}"
HANGFIRE="${HANGFIRE:-1.8.25}"
HANGFIRE_POSTGRESQL="${HANGFIRE_POSTGRESQL:-1.21.1}"
peers=("$@")
[ "${#peers[@]}" -gt 0 ] || peers=(graphile-worker pg-boss hangfire)

work="${PEER_DIR:-$(mktemp -d)}"
mkdir -p "$work"
programs=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1 || true)
[ -n "$programs" ] || programs=$(dirname "$(command -v initdb)")

# PostgreSQL refuses to run as root.
as_server() { if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
[ "$(id -u)" -ne 0 ] || { chmod 755 "$work"; install -d -o postgres -g postgres "$work/server"; }
mkdir -p "$work/server"

stop() {
  as_server "$programs/pg_ctl" -D "$work/server/data" -m fast -w stop > /dev/null 2>&1 || true
  [ -n "${PEER_DIR:-}" ] || rm -rf "$work"
}
trap stop EXIT

cd "$work/server"
[ -d data ] || as_server "$programs/initdb" -D "$work/server/data" -A trust -U postgres --locale=C.UTF-8 -E UTF8 > /dev/null
as_server "$programs/pg_ctl" -D "$work/server/data" -l "$work/server/log" -w start -o \
  "-c listen_addresses=127.0.0.1 -p $PEER_PORT -c unix_socket_directories= -c max_connections=200 -c shared_buffers=256MB -c max_wal_size=4GB" > /dev/null
PEER_SERVER_PID=$(as_server head -n 1 "$work/server/data/postmaster.pid")
export PEER_SERVER_PID PEER_PACKAGES="$work/packages"

fresh() {
  PGOPTIONS="-c client_min_messages=warning" psql -qXh 127.0.0.1 -p "$PEER_PORT" -U postgres -c "drop database if exists $1" -c "create database $1"
  export PEER_URL="postgres://postgres@127.0.0.1:$PEER_PORT/$1"
}

install_node() {
  mkdir -p "$PEER_PACKAGES"
  cd "$PEER_PACKAGES"
  [ -f package.json ] || echo '{ "private": true }' > package.json
  npm install --no-audit --no-fund --silent pg@8 "$@" >&2
  cd "$work"
}

for peer in "${peers[@]}"; do
  case "$peer" in
    graphile-worker)
      install_node "graphile-worker@$GRAPHILE_WORKER"
      fresh graphile_worker
      node "$here/graphile-worker.mjs"
      ;;
    pg-boss)
      install_node "pg-boss@$PG_BOSS"
      fresh pg_boss
      node "$here/pg-boss.mjs"
      ;;
    hangfire)
      fresh hangfire
      # Copied out of the repository, whose build settings are not meant for this program.
      mkdir -p "$work/hangfire"
      sed -e "s/@HANGFIRE_POSTGRESQL@/$HANGFIRE_POSTGRESQL/" -e "s/@HANGFIRE@/$HANGFIRE/" "$here/hangfire.cs.txt" > "$work/hangfire/hangfire.cs"
      PEER_CONNECTION="Host=127.0.0.1;Port=$PEER_PORT;Username=postgres;Database=hangfire;Maximum Pool Size=100" N="${HANGFIRE_N:-$((N / 4))}" \
        dotnet run "$work/hangfire/hangfire.cs"
      ;;
    *)
      echo "run.sh: '$peer' is not known; use graphile-worker, pg-boss or hangfire." >&2
      exit 2
      ;;
  esac
done
