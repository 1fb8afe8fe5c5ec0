#!/usr/bin/env bash
# Times load, fuse, unfuse and unload of LoRA adapters with diffusers and PEFT, on the attention layers of SD 1.5 with random weights.
# Environment: RANK (16), CYCLES (10), TYPE float32 or bfloat16 (float32). Says 'not measured' where Python has not the packages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v python3 > /dev/null || { echo 'diffusers: not measured (python3 is missing)'; exit 0; }
exec python3 "$here/switch.py" --rank "${RANK:-16}" --cycles "${CYCLES:-10}" --type "${TYPE:-float32}"
