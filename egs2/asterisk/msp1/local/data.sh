#!/usr/bin/env bash
# Fetches the Asterisk prompts (120 MB) and writes data/{train,dev,test}.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/msp1/db.sh
. ./db.sh

python -m espnet_soups.bin.prepare_asterisk --downloads "${ASTERISK}" --data "${datadir:-data}" "$@"
