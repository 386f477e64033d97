#!/usr/bin/env bash
# Asterisk prompts: recognition in five languages and translation of four into English.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")"

MSP_ARGUMENTS="${*:+$(printf ' %q' "$@")}" exec ./msp.sh \
    --asr_langs "en fr es it ru" \
    --st_pairs "fr_en es_en it_en ru_en" \
    --fs 8000 \
    --num_mel_bins 40 \
    --max_wav_duration 30.0 \
    --speed_perturb_factors "0.9 1.0 1.1" \
    --st_nbpe 250 \
    --bleu_lowercase true \
    --conflict_batches 24 \
    "$@"
