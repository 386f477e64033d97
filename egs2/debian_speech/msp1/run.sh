#!/usr/bin/env bash
# The speech that Debian ships: recognition in five languages, 13 pairs of translation, three domains.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")"

MSP_ARGUMENTS="${*:+$(printf ' %q' "$@")}" exec ./msp.sh \
    --asr_langs "en fr es it ru" \
    --st_pairs "en_de en_es en_fr en_it en_ru es_de es_en es_fr es_it es_ru fr_en it_en ru_en" \
    --test_sets "test_asterisk test_drascula test_festvox" \
    --fs 8000 \
    --resample true \
    --num_mel_bins 40 \
    --max_wav_duration 30.0 \
    --st_nbpe 250 \
    --bleu_lowercase true \
    --conflict_batches 24 \
    "$@"
