#!/usr/bin/env bash
# Fetches the Asterisk prompts (120 MB) and writes data/{train,dev,test}.
set -euo pipefail
. ./db.sh

python -m espnet_soups.bin.prepare_asterisk --downloads "${ASTERISK}" --data data "$@"
