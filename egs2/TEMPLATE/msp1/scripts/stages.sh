#!/usr/bin/env bash
# Stages that say what they do, are skipped when up to date, and run again after an interruption.
#
#   . scripts/stages.sh
#   if stage 3 "Features" "${dumpdir}/.stage3.done" --settings "fs=${fs}" "bins=${bins}" \
#       --inputs data/{train,dev,test}/wav.scp --outputs "${dumpdir}/train/feats.scp"; then
#       …
#       stage_done "1,234 utterances in ${dumpdir}"
#   fi
#   stages_done
#
# stage NUMBER TITLE STAMP [--settings WORD…] [--inputs PATH…] [--audio PATH…] [--without NAME…] [--reads DIR…]
#         [--outputs PATH…] (`--` = --settings)
#     True when the stage is to run: --stage <= NUMBER <= --stop_stage, not in --skip_stages, and not
#     up to date. Up to date means: the file STAMP, which stage_done writes, holds the same settings
#     and the same content of every input, and all that the stage made is still there. Settings
#     are best `name=value`: the line that says why a stage runs again names them. Inputs and outputs may be folders
#     (every file below an input counts, but for those of a name behind --without and backups; an output folder or
#     file must not be empty). An input that is not there ends the run before anything is computed.
#     --audio: tables of recordings, or folders of them, whose paths, sizes and times of change count.
#     --reads: folders that no other run may replace while this stage runs; output folders are those that it may.
#     Several runs may share a folder: a stage that another run is at is waited for, then looked at anew.
# stage_made PATH…       what it made beside its outputs, where that is known at its end alone.
# stage_done WHAT        ends it: prints what was made and how long it took, writes the stamp.
# stage_skipped NUMBER TITLE WHY    one line for a stage that the configuration leaves out.
# stages_done            last line of the script: how many ran, and how long all took.
#
# Variables of the caller, usually options (options.sh): stage, stop_stage, skip_stages ("7 8" or
# "7,8"), force (true: run stages that are up to date too), restart_command (default ./run.sh).
# A stage that fails or is interrupted ends the script (set -e) with one line that names it and how to
# go on, and takes along what it has started: this file sets the traps EXIT and INT. Ctrl-C is no failure
# in that line; its status is 130.
#
# Needs bash 4.4 and GNU or BSD stat; safe under `set -euo pipefail`.

# shellcheck source=egs2/TEMPLATE/msp1/scripts/stage_inputs.sh
. "$(dirname "${BASH_SOURCE[0]}")/stage_inputs.sh"
# shellcheck source=egs2/TEMPLATE/msp1/scripts/stage_locks.sh
. "$(dirname "${BASH_SOURCE[0]}")/stage_locks.sh"

_stage_running="" # number of the stage that is under way
_stage_title=""
_stage_stamp=""
_stage_text=""    # what the stamp will hold
_stage_outputs=()
_stage_made=()
_stage_began=0
_stages_ran=0

stage() {
    local number=$1 title=$2 stamp=$3 kind=--settings why
    local -a settings=() inputs=() outputs=() reads=()
    shift 3
    _stage_without=() _stage_audio=() _stage_made=()
    while (($# > 0)); do
        case "$1" in
        -- | --settings) kind=--settings ;;
        --inputs | --outputs | --without | --audio | --reads) kind=$1 ;;
        *)
            case "${kind}" in
            --settings) settings+=("$1") ;;
            --inputs) inputs+=("$1") ;;
            --without) _stage_without+=("!" -name "$1") ;;
            --audio) _stage_audio+=("$1") ;;
            --reads) reads+=("$1") ;;
            --outputs) outputs+=("$1") ;;
            esac
            ;;
        esac
        shift
    done
    _stage_in_range "${number}" "${title}" || return 1
    _stage_require_inputs "${number}" "${title}" ${inputs[@]+"${inputs[@]}"} ${_stage_audio[@]+"${_stage_audio[@]}"}
    _stage_take_lock "${number}" "${title}" "${stamp}.lock"
    _stage_text=$(_stage_fingerprint "${stamp}" "${#settings[@]}" ${settings[@]+"${settings[@]}"} ${inputs[@]+"${inputs[@]}"})
    _stage_outputs=(${outputs[@]+"${outputs[@]}"})
    if [[ ${force:-false} == true ]]; then
        why=" (--force)"
    elif ! why=$(_stage_why "${stamp}"); then
        _stage_renew_stamp "${stamp}"
        _stage_free_lock
        echo "stage ${number}: ${title} — up to date$(_stage_hint "${number}")"
        return 1
    fi
    _stage_refuse_readers "${number}" "${title}" ${outputs[@]+"${outputs[@]}"}
    _stage_mark_readers ${reads[@]+"${reads[@]}"}
    echo "stage ${number}: ${title}${why}"
    # no stamp while it runs: an interruption is seen by its absence
    rm -f "${stamp}"
    _stage_running=${number} _stage_title=${title} _stage_stamp=${stamp} _stage_began=${SECONDS}
}

stage_made() { _stage_made+=("$@"); }

stage_done() {
    local missing
    [[ -n ${_stage_running} ]] || { echo "error: stage_done without a running stage" >&2; return 2; }
    if missing=$(_stage_missing_output); then
        echo "error: stage ${_stage_running} has ended, but did not make ${missing}" >&2
        return 1
    fi
    mkdir -p "$(dirname "${_stage_stamp}")"
    _stage_write_stamp "${_stage_stamp}" "${_stage_text}" "$(_stage_list_made)"
    _stage_free_lock
    echo "stage ${_stage_running}: ${_stage_title} — done in $(_stage_time $((SECONDS - _stage_began))): $1"
    _stage_running=""
    _stages_ran=$((_stages_ran + 1))
}

stage_skipped() {
    ! _stage_in_range "$1" "$2" || echo "stage $1: $2 — skipped: $3"
}

stages_done() {
    if ((_stages_ran == 0)); then
        echo "All stages are up to date ($(_stage_time "${SECONDS}"))."
    else
        echo "Done: ${_stages_ran} stages in $(_stage_time "${SECONDS}")."
    fi
}

_stage_in_range() {
    local skip=" ${skip_stages:-} "
    (($1 >= ${stage:-1} && $1 <= ${stop_stage:-10000})) || return 1
    if [[ ${skip//,/ } == *" $1 "* ]]; then
        echo "stage $1: $2 — skipped (--skip_stages)"
        return 1
    fi
}

# The user who asks for exactly this stage first wants to know how to run it all the same.
_stage_hint() {
    if [[ $1 == "${stage:-1}" && $1 != 1 ]]; then
        echo " (--force true runs it again)"
    fi
}

_stage_require_inputs() {
    local number=$1 title=$2 path
    shift 2
    for path in "$@"; do
        [[ -e ${path} ]] && continue
        # before stage 1 nothing can have made it: it is a file that the user names
        local remedy="run the stages before it: ${restart_command:-./run.sh} --stage 1"
        ((number > 1)) || remedy="correct its name, or put it there"
        echo "error: stage ${number} (${title}) needs ${path}, which does not exist; ${remedy}" >&2
        exit 1
    done
}

_stage_write_stamp() {
    printf '%s\n' "$2" ${3:+"$3"} >"${_stage_lock}/stamp"
    mv "${_stage_lock}/stamp" "$1"
}

# A large file that was touched has been read: the next run need not read it again.
_stage_renew_stamp() {
    local made
    made=$(grep '^made ' "$1") || made=""
    [[ $(<"$1") == "${_stage_text}${made:+$'\n'${made}}" ]] || _stage_write_stamp "$1" "${_stage_text}" "${made}" 2>/dev/null || true
}

# Tables and features, but not every recording of a folder.
_stage_list_made() {
    local path
    for path in ${_stage_outputs[@]+"${_stage_outputs[@]}"} ${_stage_made[@]+"${_stage_made[@]}"}; do
        find -L "${path}" -maxdepth 2 -type f -size +0 ! -name '.*' ! -name '*.flac' ${_stage_without[@]+"${_stage_without[@]}"} | LC_ALL=C sort | sed 's/^/made /'
    done
}

# Why the stage must run, as the tail of its title; false when it is up to date.
_stage_why() {
    local missing changed
    [[ -f $1 ]] || return 0
    if missing=$(_stage_missing_output) || missing=$(_stage_missing_made "$1"); then
        echo " (again, since ${missing} is gone)"
    elif diff -q <(_stage_compared "$1") <(_stage_compared - <<<"${_stage_text}") >/dev/null; then
        return 1
    else
        changed=$(diff <(_stage_compared "$1") <(_stage_compared - <<<"${_stage_text}") |
            sed -nE 's/^> setting (.*)/\1/p; s/^[<>] input [0-9a-f]+ (.*)$/\1/p; s/^[<>] audio [0-9a-f]+ (.*)$/audio of \1/p' |
            sort -u | head -n 2 | paste -sd, | sed 's/,/, /g') || true
        echo " (again, since this changed: ${changed:-its settings})"
    fi
}

_stage_missing_output() {
    local path
    for path in ${_stage_outputs[@]+"${_stage_outputs[@]}"}; do
        if [[ -d ${path} ]]; then
            [[ -z $(find -L "${path}" -mindepth 1 -print -quit) ]] || continue
        elif [[ -s ${path} ]]; then
            continue
        fi
        echo "${path}"
        return 0
    done
    return 1
}

_stage_missing_made() {
    local path
    while read -r path; do
        [[ -s ${path} ]] || { echo "${path}" && return 0; }
    done < <(sed -n 's/^made //p' "$1")
    return 1
}

_stage_time() {
    if (($1 < 60)); then
        echo "$1 s"
    elif (($1 < 3600)); then
        printf '%d min %02d s\n' $(($1 / 60)) $(($1 % 60))
    else
        printf '%d h %02d min\n' $(($1 / 3600)) $(($1 % 3600 / 60))
    fi
}

# On SIGTERM bash ends at once and leaves what it has started running.
_stage_end_children() {
    local pids
    pids=$(ps -A -o pid= -o ppid= | awk -v root="$$" '
        { children[$2] = children[$2] " " $1 }
        function list(pid,   i, n, all) { n = split(children[pid], all); for (i = 1; i <= n; i++) { print all[i]; list(all[i]) } }
        END { list(root) }')
    # shellcheck disable=SC2086 # one word each
    [[ -z ${pids} ]] || kill ${pids} 2>/dev/null || true # those that list them have ended
}

_stage_at_exit() {
    local status=$?
    # under set -e: a signal, or a script that forgot stage_done; neither must look like success
    if [[ -n ${_stage_running} && (${status} == 0 || ${status} == 130) ]]; then
        status=$((status > 0 ? status : 1))
        _stage_end_children
    fi
    _stage_free_lock
    [[ -n ${_stage_running} ]] || return 0
    local sign="error: " how=failed
    ((status != 130)) || sign="" how="was interrupted (Ctrl-C)"
    echo "${sign}stage ${_stage_running} (${_stage_title}) ${how} after $(_stage_time $((SECONDS - _stage_began)));" \
        "the same command goes on from here, ${restart_command:-./run.sh} --stage ${_stage_running} starts with this stage" >&2
    exit "${status}"
}

# Ctrl-C reaches what the stage waits for, too: bash runs this once that has ended, however it has.
trap 'exit 130' INT
trap _stage_at_exit EXIT
