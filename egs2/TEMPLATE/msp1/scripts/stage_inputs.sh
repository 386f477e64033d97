#!/usr/bin/env bash
# What a stage rests on, as lines of its stamp: contents count, not times.
#
# _stage_fingerprint STAMP COUNT SETTING… INPUT…   prints the lines; COUNT is the number of settings
# _stage_compared FILE…                            prints the lines of a stamp that must be the same
#
#   setting WORD
#   input DIGEST PATH     a file, by its content
#   audio DIGEST PATH     all recordings that a table names or a folder holds: paths, sizes, times of change
#   stat DIGEST SIZE TIME TIME INODE PATH   not compared: a large file that is as it was is not read again
#   made PATH             not compared: a file that the stage made
#
# Needs GNU or BSD stat; safe under `set -euo pipefail`.

_stage_audio=()   # tables or folders of recordings
_stage_without=() # as `find` wants it: files that count for nothing

# files that count for nothing: backups, as espnet_soups.data.data_dir knows them, and marks of readers
_stage_backups=()
for _stage_ending in '*~' '*.bak' '*.old' '*.orig' '*.rej' '*.save' '*.swp' '*.tmp' '.read_by *'; do
    _stage_backups+=("!" -name "${_stage_ending}")
done
_stage_large=2048 # blocks of 512 bytes; smaller files are read each time

_stage_fingerprint() {
    local stamp=$1 count=$2
    shift 2
    ((count == 0)) || printf 'setting %s\n' "${@:1:count}"
    shift "${count}"
    (($# == 0)) || _stage_list_files "${stamp}" "$@"
    ((${#_stage_audio[@]} == 0)) || _stage_list_audio "${_stage_audio[@]}"
}

_stage_compared() { grep -vE '^(stat|made) ' "$@" || true; }

_stage_list_files() {
    local stamp=$1 place digest
    local -A known=()
    local -a found=(-type f ${_stage_without[@]+"${_stage_without[@]}"} "${_stage_backups[@]}")
    shift
    find -L "$@" "${found[@]}" -size "-$((_stage_large + 1))" -exec bash -c "$(declare -f _stage_digest); _stage_digest \"\$@\"" _ {} + |
        sed -E 's/^\\?([0-9a-f]+) [ *]/input \1 /' | LC_ALL=C sort -k 3
    [[ ! -f ${stamp} ]] || while read -r digest place; do known[${place}]=${digest}; done < <(sed -n 's/^stat //p' "${stamp}")
    while read -r place; do
        digest=${known[${place}]:-}
        [[ -n ${digest} ]] || digest=$(_stage_digest "$(cut -d' ' -f5- <<<"${place}")" | sed -E 's/^\\?([0-9a-f]+) .*/\1/')
        printf 'input %s %s\nstat %s %s\n' "${digest}" "$(cut -d' ' -f5- <<<"${place}")" "${digest}" "${place}"
    done < <(find -L "$@" "${found[@]}" -size "+${_stage_large}" -exec bash -c "$(declare -f _stage_stat); _stage_stat \"\$@\"" _ {} + | LC_ALL=C sort -k 5)
}

_stage_digest() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# a change of content changes the second time, whatever the first one is set to
_stage_stat() {
    if stat -c %s / >/dev/null 2>&1; then
        stat -L -c '%s %.9Y %.9Z %i %n' "$@"
    else
        stat -L -f '%z %Fm %Fc %i %N' "$@"
    fi
}

_stage_list_audio() {
    local path
    for path in "$@"; do
        printf 'audio %s %s\n' "$(_stage_recordings "${path}" | tr '\n' '\0' | xargs -0 bash -c "$(declare -f _stage_stat); _stage_stat \"\$@\"" _ 2>/dev/null |
            cut -d' ' -f1,2,5- | LC_ALL=C sort | _stage_digest | cut -d' ' -f1)" "${path}"
    done
}

_stage_recordings() {
    if [[ -d $1 ]]; then
        find -L "$1" -type f
    else
        # a recording may hold many utterances: parts are named as in data/place.py
        sed -E 's/^[^[:space:]]+[[:space:]]+//; s/[[:space:]]+$//; s/#((t|bytes|speed|fs)=[0-9.,]+&?)+$//' "$1" | LC_ALL=C sort -u
    fi
}
