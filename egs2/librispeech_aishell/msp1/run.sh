#!/usr/bin/env bash
# LibriSpeech (English) and AISHELL-1 (Mandarin): one encoder, words of one and characters of the other.
# 960 hours instead of 100: ./run.sh --local_data_opts "--hours 960"
set -euo pipefail
cd "$(dirname "$(realpath "$0")")"

MSP_ARGUMENTS="${*:+$(printf ' %q' "$@")}" exec ./msp.sh \
    --asr_langs "en zh" \
    --test_sets "test_clean test_other test_aishell" \
    --fs 16000 \
    --max_wav_duration 25.0 \
    --asr_token_type bpe \
    --asr_nbpe 1000 \
    --asr_char_langs "zh" \
    "$@"
