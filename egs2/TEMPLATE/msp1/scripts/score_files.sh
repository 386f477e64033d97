#!/usr/bin/env bash
# Files of test sets that only scores are computed from, such as trials: they lie beside the features that are scored.
#
# copy_or_remove SOURCE COPY   makes COPY what SOURCE is: the same, or not there; its time changes with its content alone
#
# Where a folder is not there nothing is done: its stage says so. Safe under `set -euo pipefail`.

copy_or_remove() {
    [[ -d ${1%/*} && -d ${2%/*} ]] || return 0
    if [[ -e $1 ]]; then
        cmp -s "$1" "$2" || cp "$1" "$2"
    else
        rm -f "$2"
    fi
}
