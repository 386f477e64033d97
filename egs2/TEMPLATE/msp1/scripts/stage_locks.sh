#!/usr/bin/env bash
# One run at a time at a stage, and no folder is replaced that another one reads.
#
# _stage_take_lock NUMBER TITLE LOCK     waits for another run; refuses where no lock can be made
# _stage_free_lock
# _stage_refuse_readers NUMBER TITLE DIR…   where a run that lives reads one of the folders
#
# Making a folder either succeeds or finds it there, also on network file systems. The file in it bears the name of
# its run: of several that find that run killed, one alone can remove this file, and so the lock; the others do not
# remove the lock that has been taken since.
#
# Safe under `set -euo pipefail`.

_stage_lock=""    # folder that other runs wait for
_stage_markers=() # files in folders that this run reads
export ESPNET_SOUPS_RUN=${HOSTNAME}:$$ # tells what a run has started, also where the run itself was killed

_stage_take_lock() {
    local number=$1 title=$2 lock=$3 owner said="" waited=0 why
    why=$(mkdir -p "$(dirname "${lock}")" 2>&1) || _stage_refuse_lock "${number}" "${title}" "${lock}" "${why}"
    until why=$(mkdir "${lock}" 2>&1); do
        # where it is not there it cannot be made, or was freed at this moment
        if [[ ! -d ${lock} ]] && why=$(mkdir "${lock}" 2>&1); then break; fi
        [[ -d ${lock} ]] || _stage_refuse_lock "${number}" "${title}" "${lock}" "${why}"
        owner=$(_stage_owner "${lock}")
        if [[ ${owner% *} == "${HOSTNAME}" ]] && ! _stage_process_lives "${owner##* }"; then
            _stage_end_survivors "${number}" "${title}" "${owner##* }"
            _stage_remove_lock "${number}" "${title}" "${lock}" "${owner}"
            continue
        fi
        # a lock without owner is a second old, or its run was killed in that second
        if [[ -z ${said} && (-n ${owner} || ${waited} -ge 5) ]]; then
            said=true
            echo "stage ${number}: ${title} — waiting for another run (${owner:+process ${owner##* } on ${owner% *}; }if there is none, remove ${lock})"
        fi
        sleep 1
        waited=$((waited + 1))
    done
    _stage_lock=${lock}
    why=$({ : >"${lock}/owner ${HOSTNAME} $$"; } 2>&1) || _stage_refuse_lock "${number}" "${title}" "${lock}" "${why}"
}

_stage_refuse_lock() {
    _stage_free_lock
    echo "error: stage $1 ($2) cannot make its lock $3: ${4##*: }; a place is needed that can be written to," \
        "with room on its disk and names of 255 bytes or less" >&2
    exit 1
}

_stage_owner() {
    local file
    file=$(find "$1" -name 'owner *' -print -quit 2>/dev/null) || file=""
    echo "${file##*/owner }"
}

# The lock of a run that was killed. Where another waiter was faster there is nothing left to remove.
_stage_remove_lock() {
    local why
    if why=$(rm "$3/owner $4" 2>&1); then
        why=$(rm -rf "$3" 2>&1) && return 0
    elif [[ ! -e "$3/owner $4" ]]; then
        return 0
    fi
    echo "error: stage $1 ($2) cannot remove the lock of a run that was killed, $3: ${why##*: }; remove it" >&2
    exit 1
}

_stage_free_lock() {
    local marker
    [[ -z ${_stage_lock} ]] || rm -rf "${_stage_lock}"
    for marker in ${_stage_markers[@]+"${_stage_markers[@]}"}; do rm -f "${marker}"; done
    _stage_lock="" _stage_markers=()
}

# kill cannot tell a process of another user from none; ps can.
_stage_process_lives() {
    kill -0 "$1" 2>/dev/null || ps -p "$1" >/dev/null 2>&1
}

# What a run that was killed alone has left running ends by itself within seconds, and may write until then.
_stage_end_survivors() {
    local number=$1 title=$2 run="ESPNET_SOUPS_RUN=${HOSTNAME}:$3" waited pids
    for ((waited = 0; waited < 60; waited++)); do
        pids=$(ps axeww -o pid= -o args= 2>/dev/null | awk -v run="${run}" -v self="$$" '
            $1 != self { for (i = 2; i <= NF; i++) if ($i == run) { print $1; break } }')
        [[ -n ${pids} ]] || return 0
        ((waited != 0)) || echo "stage ${number}: ${title} — waiting for what a killed run (process $3) has left running"
        # shellcheck disable=SC2086 # one word each
        if ((waited == 20)); then kill ${pids} 2>/dev/null || true; elif ((waited == 40)); then kill -9 ${pids} 2>/dev/null || true; fi
        sleep 0.5
    done
}

# A folder that cannot be written to cannot be replaced, either: it needs no mark.
_stage_mark_readers() {
    local dir marker
    for dir in "$@"; do
        marker="${dir}/.read_by ${HOSTNAME} $$"
        ! { : >"${marker}"; } 2>/dev/null || _stage_markers+=("${marker}")
    done
}

_stage_refuse_readers() {
    local number=$1 title=$2 dir marker run
    shift 2
    for dir in "$@"; do
        for marker in "${dir}"/.read_by\ *; do
            [[ -e ${marker} ]] || continue
            run=${marker##*/.read_by }
            if [[ ${run% *} == "${HOSTNAME}" ]] && { [[ ${run##* } == "$$" ]] || ! _stage_process_lives "${run##* }"; }; then
                rm -f "${marker}"
                continue
            fi
            _stage_free_lock
            echo "error: stage ${number} (${title}) would replace ${dir}, which a run under way reads (process ${run##* } on ${run% *});" \
                "wait for it or end it, or use another --dumpdir (if there is no such run, remove '${marker}')" >&2
            exit 1
        done
    done
}
