#!/usr/bin/env bash
# Files of test sets that only scores are computed from, such as trials: they lie beside the features that are scored.
#
# copy_or_remove SOURCE COPY   makes COPY what SOURCE is: the same, or not there; its time changes with its content alone
# copy_or_remove SOURCE COPY WHOLE KEPT   without lines that name an utterance of the table WHOLE that KEPT lacks
#
# Where a folder is not there nothing is done: its stage says so. Safe under `set -euo pipefail`.

copy_or_remove() {
    [[ -d ${1%/*} && -d ${2%/*} ]] || return 0
    if [[ ! -e $1 ]]; then
        rm -f "$2"
    elif (($# == 2)); then
        cmp -s "$1" "$2" || cp "$1" "$2"
    else
        awk -v kept="$4" 'BEGIN { while ((getline line <kept) > 0) { split(line, words); keeps[words[1]] } }
            NR == FNR { if (!($1 in keeps)) lacks[$1]; next }
            { for (i = 1; i <= NF; i++) if ($i in lacks) next; print }' "$3" "$1" >"$2.new"
        cmp -s "$2.new" "$2" || {
            echo "  ${2##*/}: $(wc -l <"$2.new") of $(wc -l <"$1") lines; the others name utterances of languages that this run leaves out"
            cp "$2.new" "$2"
        }
        rm "$2.new"
    fi
}
