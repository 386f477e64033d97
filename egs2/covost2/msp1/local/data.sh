#!/usr/bin/env bash
# Joins Common Voice 4 with CoVoST 2 and writes data/{train,dev,test}; audio as 16 kHz FLAC.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/msp1/db.sh
. ./db.sh

if [[ -z ${COMMONVOICE} ]]; then
    echo "error: COMMONVOICE is empty; name the folder of Common Voice 4 in db.sh, or COMMONVOICE=/folder ./run.sh" \
        "(README.md says how to get it: it cannot be fetched by a script)" >&2
    exit 1
fi
python -m espnet_soups.bin.prepare_covost2 --common_voice "${COMMONVOICE}" --covost2 "${COVOST2}" \
    --data "${datadir:-data}" --audio "${COVOST2_AUDIO:-data/audio}" "$@"
