#!/usr/bin/env bash
# What the kinds of objectives say of a run: nothing else here knows a kind by its name.
#
# ask_kinds WHAT…   fills an array kinds_WHAT for each (python -m espnet_soups.bin.objectives --help lists them)
#
# shellcheck disable=SC2154 # run_options of msp.sh; `soups` is a function there
ask_kinds() {
    local what lines word
    for what in "$@"; do eval "kinds_${what}=()"; done
    lines=$(soups objectives "$@" "${run_options[@]}")
    while read -r what word; do
        [[ -z ${what} ]] || _kinds_add "kinds_${what}" "${word}"
    done <<<"${lines}"
}

_kinds_add() {
    local -n _list=$1
    _list+=("$2")
}
