#!/usr/bin/env bash
# Writes data/{train,dev,test_clean,test_other,test_aishell}; corpora named `downloads` in db.sh are fetched.
# The test sets get lists of trials for speaker verification (--objectives spk).
#
#   local/data.sh [--hours 100|460|960]
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/msp1/db.sh
. ./db.sh

data=${datadir:-data}

may_fetch() { [[ $1 == downloads ]] && echo true || echo false; }

# folders of the user first: what is missing there shows before gigabytes are fetched
[[ ${LIBRISPEECH} == downloads ]] ||
    python -m espnet_soups.bin.prepare_librispeech --corpus "${LIBRISPEECH}" --only_find true "$@"
[[ ${AISHELL} == downloads ]] ||
    python -m espnet_soups.bin.prepare_aishell --corpus "${AISHELL}" --only_find true

python -m espnet_soups.bin.prepare_librispeech --corpus "${LIBRISPEECH}" \
    --download "$(may_fetch "${LIBRISPEECH}")" --data "${data}/en" "$@"
python -m espnet_soups.bin.prepare_aishell --corpus "${AISHELL}" \
    --download "$(may_fetch "${AISHELL}")" --data "${data}/zh"
for name in train dev; do
    python -m espnet_soups.bin.combine_data_dirs --target "${data}/${name}" "${data}/en/${name}" "${data}/zh/${name}"
done
for name in test_clean test_other; do
    python -m espnet_soups.bin.combine_data_dirs --target "${data}/${name}" "${data}/en/${name}"
done
python -m espnet_soups.bin.combine_data_dirs --target "${data}/test_aishell" "${data}/zh/test"
for name in test_clean test_other test_aishell; do
    python -m espnet_soups.bin.make_trials --data_dir "${data}/${name}"
done
