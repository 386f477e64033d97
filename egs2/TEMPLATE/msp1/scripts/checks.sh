#!/usr/bin/env bash
# What a run refuses before anything is computed or written, in one sentence each.
#
# refuse SENTENCE                      ends the run
# refuse_other OPTION VALUE CHOICE…    unless the value is one of the choices
# refuse_path OPTION NAME…             unless each name can be that of one file or folder
# refuse_commas OPTION LIST            where commas stand between words, which white space separates
# refuse_words OPTION PATTERN HOW LIST unless each word matches the pattern; HOW tells what words look like
#
# Safe under `set -euo pipefail`.

refuse() {
    echo "error: $1" >&2
    exit 1
}

refuse_other() {
    local option=$1 value=$2 choice
    shift 2
    for choice in "$@"; do [[ ${value} != "${choice}" ]] || return 0; done
    printf -v choice '%s, ' "${@:1:$#-1}"
    refuse "--${option} must be ${choice%, } or ${!#}, but got ${value:-nothing}"
}

# A set, a language and a tag name folders: none may lead out of the folder that they belong to.
refuse_path() {
    local LC_ALL=C option=$1 name # so that lengths are in bytes
    shift
    for name in "$@"; do
        [[ -n ${name} && ${name} != [.-]* && ${name} != *[/[:space:]]* ]] ||
            refuse "--${option} names folders, so it must hold no slash or white space and must not begin with '.' or '-', but got '${name}'"
        # file systems take 255 bytes, of which stamps and locks need some
        ((${#name} <= 200)) || refuse "--${option} names folders, so it must have 200 bytes or less, but has ${#name}; give a shorter one by --${option%% *}: '${name}'"
    done
}

refuse_commas() {
    [[ $2 != *,* ]] || refuse "words of --$1 are separated by white space, so write '$(sed -E 's/ *, */ /g' <<<"$2")', but got '$2'"
}

refuse_words() {
    local option=$1 pattern=$2 how=$3 word
    local -a words
    refuse_commas "${option}" "$4"
    read -ra words <<<"$4"
    for word in ${words[@]+"${words[@]}"}; do
        [[ ${word} =~ ${pattern} ]] || refuse "--${option} must be ${how}, but got '${word}'"
    done
}
