#!/usr/bin/env bash
# Names of folders that are made of settings, and what a corpus was prepared for.
#
# short_name NAME                  prints it; one of more than 100 bytes is cut, and ends in a short digest of the whole
# prepared_words STAMP NAME WORDS  prints the words of the setting NAME in the stamp where WORDS are among them, else WORDS
#
# Safe under `set -euo pipefail`.

short_name() {
    local LC_ALL=C name=$1
    if ((${#name} > 100)); then
        name=${name:0:91}
        name=${name%"${name##*[ -~]}"}_$(_stage_digest <<<"$1" | cut -c -8) # without half a letter at its end
    fi
    printf '%s\n' "${name}"
}

prepared_words() {
    local had word
    had=$([[ ! -f $1 ]] || sed -n "s/^setting $2=//p" "$1")
    for word in $3; do
        [[ " ${had} " == *" ${word} "* ]] || { echo "$3" && return; }
    done
    echo "${had:-$3}"
}
