#!/usr/bin/env bash
# Fetches the Asterisk prompts (120 MB) and writes data/{train,dev,test}. For studies, the first option may be
# --vary=--plant,en,xx or --vary=--hide,en=0.4,fr=0.2: options of espnet_soups.bin.vary_data, between commas.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/msp1/db.sh
. ./db.sh

vary=()
if [[ ${1:-} == --vary=* ]]; then
    IFS=, read -ra vary <<<"${1#--vary=}"
    shift
fi
python -m espnet_soups.bin.prepare_asterisk --downloads "${ASTERISK}" --data "${datadir:-data}" "$@"
((${#vary[@]} == 0)) || python -m espnet_soups.bin.vary_data --data "${datadir:-data}" "${vary[@]}"
