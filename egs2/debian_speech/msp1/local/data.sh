#!/usr/bin/env bash
# Fetches six packages of Debian and the Asterisk prompts (340 MB) and writes
# data/{train,dev,test_asterisk,test_drascula,test_festvox,unlabeled}.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/msp1/db.sh
. ./db.sh

python -m espnet_soups.bin.prepare_debian_speech --downloads "${DEBIAN_SPEECH}" --asterisk "${ASTERISK}" \
    --data "${datadir:-data}" "$@"
