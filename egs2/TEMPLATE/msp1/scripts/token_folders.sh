#!/usr/bin/env bash
# Where token lists lie: `token_folder asr|st LANGUAGE`.
#
# A language may be recognised and translated into: what is said and what is written have a list each.
# Runs with other speeds have lists of their own: a list must not change under a trained model.
#
# shellcheck disable=SC2154 # options of msp.sh, and `speeds`, which is _sp or empty
asr_folder=${asr_token_type}
[[ ${asr_token_type} == char ]] || asr_folder=bpe_${bpemode}${asr_nbpe}
st_folder=${st_token_type}
[[ ${st_token_type} == char ]] || st_folder=bpe_${bpemode}${st_nbpe}
asr_folder+=${speeds} st_folder+=${speeds}

asr_bpemode() { # asr_bpemode LANGUAGE
    [[ " ${asr_char_langs} " == *" $1 "* ]] && echo char || echo "${bpemode}"
}

token_folder() {
    local kind=${asr_folder}
    [[ $1 == asr ]] || kind=${st_folder}
    [[ $1${asr_token_type}$(asr_bpemode "$2") != asrbpechar ]] || kind=bpe_char${speeds}
    echo "${datadir}/$2_token_list/$1_${kind}"
}
