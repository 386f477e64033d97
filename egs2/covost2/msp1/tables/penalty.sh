#!/usr/bin/env bash
# CoVoST 2, growth of the penalties: trains, decodes and scores every row, then prints the table beside the paper's numbers.
#   tables/penalty.sh [--dry-run] [--scale mini] [--seeds "1 2 3"] [--train_config FILE] [-- options of run.sh]
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."
# shellcheck source=egs2/TEMPLATE/msp1/path.sh
. ./path.sh
exec python -m espnet_soups.bin.run_table tables/penalty.yaml "$@"
