#!/usr/bin/env bash
# CoVoST 2: recognition of en, fr, de, es and ca, translation of the last four into English.
# Any other direction: ./run.sh --asr_langs "en" --st_pairs "en_de en_zh-CN" --datadir data_en --dumpdir dump_en --expdir exp_en
set -euo pipefail
cd "$(dirname "$(realpath "$0")")"

MSP_ARGUMENTS="${*:+$(printf ' %q' "$@")}" exec ./msp.sh \
    --asr_langs "en fr de es ca" \
    --st_pairs "fr_en de_en es_en ca_en" \
    --local_data_languages true \
    --fs 16000 \
    --asr_token_type bpe \
    --asr_nbpe 500 \
    --st_nbpe 1000 \
    --st_char_langs "zh ja" \
    --bleu_lc_rm true \
    "$@"
