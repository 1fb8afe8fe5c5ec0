#!/usr/bin/env bash
# Runs every test: ./batchgen test [--filter-class NAME ...]
# Ends with one line 'N passed, N failed, N skipped'. The database tests start a private PostgreSQL of their own.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=eng/requirements.sh
source "$root/eng/requirements.sh"
cd "$root"
need_dotnet
need_postgres
# On a desk the tests that need these are skipped without them; nothing may be skipped when CI=true.
for optional in need_chromium need_pgbouncer need_psql need_python need_faketime; do
  ("$optional") || [ "${CI:-}" != true ] || exit 1
done
for optional in need_promtool need_nginx need_caddy; do
  ("$optional" "$root") || [ "${CI:-}" != true ] || exit 1
done

# Tests share the cores with PostgreSQL and chromium; spinning threads would take their time (ThreadWaiting.cs).
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
# As in the program: native memory in one arena (HostMemory.cs).
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"

running=$(running_from "$root")
[ -z "$running" ] || fail "process $running runs the program of this folder, and building the tests would bring it down. Stop it first, or test in another clone."

results="$root/out/test-results"
rm -rf "$results"
mkdir -p "$results"

say "Building everything ..."
dotnet build BatchGen.sln -c Release --nologo -v quiet

# One test program at a time: each already uses every core.
status=0
dotnet test --solution BatchGen.sln -c Release --no-build --max-parallel-test-modules 1 --results-directory "$results" \
  --report-xunit-trx "$@" || status=$?

# The sum of all suites, from the report each of them wrote.
counters=$(cat "$results"/*.trx 2>/dev/null | grep -o '<Counters [^>]*>' || true)
sum() { printf '%s\n' "$counters" | { grep -o " $1=\"[0-9]*\"" || true; } | tr -dc '0-9\n' | awk '{ total += $1 } END { print total + 0 }'; }
passed=$(sum passed)
failed=$(($(sum failed) + $(sum error)))
skipped=$(sum notExecuted)
suites=$(printf '%s\n' "$counters" | grep -c Counters || true)
expected=$(grep -l '<IsTestProject>true' tests/*/*.csproj | wc -l)
if [ "$#" -eq 0 ] && [ "$suites" -ne "$expected" ]; then
  say "batchgen: $expected test programs were expected to report, $suites did."
  status=1
fi
if [ "${CI:-}" = true ] && [ "$skipped" -ne 0 ]; then
  say "batchgen: $skipped tests were skipped; nothing may be skipped when CI=true."
  status=1
fi
if [ "$passed" -eq 0 ]; then status=1; fi
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
