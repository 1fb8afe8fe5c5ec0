# What BatchGen needs on a machine, and how to get it; sourced by the launcher and the test script.
# Everything is said on stderr, so that the program's own output stays clean.

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "batchgen: $*"
  exit 1
}

# Runs a command as root, directly or through sudo without a password; false when neither is possible.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    command -v sudo >/dev/null && sudo -n true 2>/dev/null && sudo -n "$@"
  fi
}

apt_update() { as_root apt-get update -qq >&2 || true; }

apt_install() {
  command -v apt-get >/dev/null && as_root true || return 1
  say "Installing $* ..."
  apt_update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

has_dotnet() { command -v dotnet >/dev/null && dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; }

need_dotnet() {
  has_dotnet && return
  apt_install dotnet-sdk-10.0 || true
  has_dotnet || fail "the .NET SDK 10 is missing. Install it (https://dotnet.microsoft.com/download/dotnet/10.0) and try again."
}

has_postgres() {
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
  command -v initdb >/dev/null && command -v postgres >/dev/null && return
  compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null
}

need_postgres() {
  has_postgres && return
  # Only the programs are wanted: without this file the package would start a cluster of its own.
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
  fi
  apt_install postgresql || true
  has_postgres || fail "PostgreSQL server programs (initdb, postgres) are missing. Install them ('apt-get install postgresql' on Debian and Ubuntu), \
or set ConnectionStrings__BatchGen to a server of your own."
}

has_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null; }

need_chromium() {
  has_chromium && return
  apt_install chromium || true
  has_chromium || fail "chromium is missing; the browser tests need it ('apt-get install chromium' on Debian)."
}

need_pgbouncer() {
  command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] && return
  apt_install pgbouncer || true
  command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] \
    || fail "pgbouncer is missing; the queue's tests need it ('apt-get install pgbouncer' on Debian)."
}

tool_of() { printf '%s\n' "$1/out/tools/$2"; }

# The tests look in these places and in no others.
has_tool() { [ -x "/usr/bin/$2" ] || [ -x "/usr/sbin/$2" ] || [ -x "/usr/local/bin/$2" ] || [ -x "$(tool_of "$1" "$2")" ]; }

# Only the program is wanted: its package would start a server of its own. So it is taken out of the package and put into the checkout.
need_tool() {
  local root=$1 package=$2 program=$3 folder
  has_tool "$root" "${program##*/}" && return
  folder=$(mktemp -d)
  if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    say "Fetching ${program##*/} ..."
    (
      cd "$folder"
      apt-get download -qq "$package" >&2 || { apt_update && apt-get download -qq "$package" >&2; }
      dpkg-deb --fsys-tarfile "${package}"_*.deb | tar -x ".$program"
      mkdir -p "$root/out/tools"
      mv ".$program" "$(tool_of "$root" "${program##*/}")"
    ) || true
  fi
  rm -rf "$folder"
  has_tool "$root" "${program##*/}" || fail "${program##*/} is missing; the tests of $4 need it ('apt-get install $package' on Debian)."
}

need_promtool() { need_tool "$1" prometheus /usr/bin/promtool "the alert rules"; }

need_nginx() { need_tool "$1" nginx /usr/sbin/nginx "the files for reverse proxies"; }

need_caddy() { need_tool "$1" caddy /usr/bin/caddy "the files for reverse proxies"; }

# Moves the clock that database servers of a chaos run see.
need_faketime() {
  compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null && return
  apt_install faketime || true
  compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null \
    || fail "libfaketime is missing; the chaos tests need it ('apt-get install faketime' on Debian)."
}

# The examples of docs/sql-api.md are run by the tests.
need_python() {
  command -v python3 >/dev/null && return
  apt_install python3-minimal || true
  command -v python3 >/dev/null || fail "python3 is missing; the documents' tests need it ('apt-get install python3' on Debian)."
}

need_psql() {
  command -v psql >/dev/null && return
  apt_install postgresql-client || true
  command -v psql >/dev/null || fail "psql is missing; the documents' tests need it ('apt-get install postgresql-client' on Debian)."
}

# Processes that run a build of this folder. A build writes into the files they have mapped, which brings them down, overnight too.
running_from() { grep -lsF "$1/src/BatchGen/bin/Release/" /proc/[0-9]*/maps | tr -dc '0-9\n' | paste -sd ' ' || true; }

# Builds the program when a source is newer than the last build; prints the path of its assembly.
build_program() {
  local root=$1 running
  mkdir -p "$root/src/BatchGen/obj"
  # One build at a time; whoever waited for another's looks again.
  exec 8> "$root/src/BatchGen/obj/launcher.lock"
  ! command -v flock >/dev/null || flock 8
  if ! is_built "$root"; then
    running=$(running_from "$root")
    if [ -n "$running" ]; then
      say "batchgen: the sources changed, but process $running runs the last build, which is used once more. Stop it, and the next command builds anew."
    else
      build "$root"
    fi
  fi
  exec 8>&-
  program_of "$root"
}

build() {
  local root=$1 obj="$1/src/BatchGen/obj"
  say "Building BatchGen (once) ..."
  # The stamp is as old as the start of the build, and holds its switches.
  printf '%s\n' "${BATCHGEN_BUILD:-}" > "$obj/launcher.stamp.begun"
  # shellcheck disable=SC2086 # Build switches such as -p:TorchBackend=none are several words.
  dotnet build "$root/src/BatchGen/BatchGen.csproj" -c Release --nologo -v quiet ${BATCHGEN_BUILD:-} > "$obj/launcher.log" 2>&1 8>&- \
    || { cat "$obj/launcher.log" >&2; fail "the build failed; see above."; }
  mv "$obj/launcher.stamp.begun" "$obj/launcher.stamp"
}

program_of() { compgen -G "$1/src/BatchGen/bin/Release/net10.0/*/batchgen.dll" | head -n 1 || true; }

is_built() {
  local stamp="$1/src/BatchGen/obj/launcher.stamp"
  [ -n "$(program_of "$1")" ] && [ -e "$stamp" ] && [ "$(cat "$stamp")" = "${BATCHGEN_BUILD:-}" ] && [ -z "$(newer_sources "$1" "$stamp")" ]
}

newer_sources() {
  local root=$1 stamp=$2
  find "$root/src" "$root/db" "$root/eng" "$root/global.json" "$root"/Directory.* \
    \( -name bin -o -name obj \) -prune -o -type f -newer "$stamp" -print -quit
}
