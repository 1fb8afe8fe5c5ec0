#!/usr/bin/env bash
# The long runs that are not tests: hours of cycles for exactness, and the measurements of docs/benchmarks.md.
#   eng/check-long.sh            lists the runs
#   eng/check-long.sh NAME ...   does them one after the other; ends with 1 when one failed
#   eng/check-long.sh all        does all of them
# Run them on a machine that does nothing else, and write figures into docs/benchmarks.md with command, hardware, date and commit.
#
# name            what it does                                                                     how long, and where that was seen
# cycles          1,000,000 cycles of fuse, checksum, unload with an overlay; no checksum may      53 minutes (two cores of an AMD EPYC, beside builds and
#                 differ, no number may change                                                     tests, 2026-11-25)
# cycles-in-place 1,000,000 cycles of the same, fused in place                                     not timed
# drift           1,000 cycles of every procedure with plots and contact sheets (docs/drift.md)    not timed
# drift-more      the same with two, three and four adapters, the first procedure only             not timed
# queue           batchgen bench queue: 1,000,000 jobs                                             not timed
# render          batchgen bench render at SD 1.5 size, float32 and bfloat16                       not timed
# render-sdxl     batchgen bench render at SDXL size; loading takes 14.1 GB of memory              not timed
# switch          batchgen bench switch                                                            not timed
# fuzz            every reader of foreign input for ten minutes and until three minutes bring      not timed
#                 no new path (docs/reliability.md)
# peers           eng/peers: other queues, and diffusers where Python has it                       not timed
# Everything is written to out/long-runs/ (a file for each run). CYCLES=300 eng/check-long.sh cycles tries a run of cycles out.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
out="$root/out/long-runs"
all=(cycles cycles-in-place drift drift-more queue render render-sdxl switch fuzz peers)
demo="models/demo-adapters"

# Writes a model with random weights once.
synthetic() {
  [ -e "$out/$1/model_index.json" ] || ./batchgen models synth --family "$1" --out "$out/$1"
}

# The command fails by itself when a checksum or a number differs.
check_cycles() {
  ./batchgen drift --cycles "${CYCLES:-1000000}" --weights-only --procedure "$1" --adapter "$demo/demo-pixel.safetensors" --out "$out/drift-$1"
}

drift_of() {
  local adapters=() name
  for name in "$@"; do adapters+=(--adapter "$demo/demo-$name.safetensors"); done
  ./batchgen drift --cycles "${CYCLES:-1000}" --procedure "$PROCEDURE" "${adapters[@]}" --out "$out/drift-$(IFS=-; echo "$*")"
}

run() {
  case "$1" in
    cycles) check_cycles overlay ;;
    cycles-in-place) check_cycles in-place ;;
    drift) ./batchgen drift --cycles "${CYCLES:-1000}" --out "$out/drift" ;;
    drift-more)
      PROCEDURE=subtract-sum
      drift_of striped pixel
      drift_of striped outline pixel
      drift_of striped outline pixel neon
      ;;
    queue) ./batchgen bench queue ;;
    render)
      synthetic sd15
      ./batchgen bench render --model "$out/sd15" --part text --part unet --part batch --part vae --part picture
      ./batchgen bench render --model "$out/sd15" --type bfloat16 --part unet
      ;;
    render-sdxl)
      synthetic sdxl
      ./batchgen bench render --model "$out/sdxl" --quick
      ./batchgen bench render --model "$out/sdxl" --quick --type bfloat16 --part unet
      ;;
    switch) ./batchgen bench switch ;;
    fuzz)
      dotnet build tests/BatchGen.FuzzTests -c Release --nologo -v quiet
      rm -f out/fuzz/report.txt
      BATCHGEN_FUZZ_SECONDS="${FUZZ_SECONDS:-600}" BATCHGEN_FUZZ_QUIET_SECONDS="${FUZZ_QUIET_SECONDS:-180}" \
        dotnet tests/BatchGen.FuzzTests/bin/Release/net10.0/BatchGen.FuzzTests.dll -noColor
      cat out/fuzz/report.txt
      ;;
    peers)
      eng/peers/queue/run.sh
      eng/peers/diffusers/run.sh
      ;;
    *)
      echo "check-long.sh: '$1' is not known; use ${all[*]} or all." >&2
      return 2
      ;;
  esac
}

if [ "$#" -eq 0 ]; then
  sed -n '2,/^set -euo/{/^set -euo/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
  exit 0
fi

mkdir -p "$out"
if [ "$1" = --one ]; then
  run "$2"
  exit 0
fi

[ "$1" != all ] || set -- "${all[@]}"
status=0
for name in "$@"; do
  echo "$name: $(date -u +%FT%TZ), commit $(git rev-parse --short HEAD 2> /dev/null || echo unknown), $(nproc) processors"
  # A process of its own, because bash ignores 'set -e' in a function that stands in a condition.
  "${BASH_SOURCE[0]}" --one "$name" 2>&1 | tee "$out/$name.txt" || {
    echo "$name FAILED"
    status=1
  }
done
exit "$status"
