#!/usr/bin/env bash
# Shares the utterances of a table among jobs, none of which is left without one, and clears their folder.
#
# jobs_for MOST TABLE…          prints how many jobs: MOST, or the lines of the shortest table if these are fewer
# split_keys JOBS TABLE PREFIX  writes PREFIX.1.scp … PREFIX.JOBS.scp, every JOBS-th line each
# clear_jobs FOLDER             makes it, or empties it but for the numbers of Slurm's jobs, by which run_jobs cancels
#                               those that a killed run has left behind
#
# Safe under `set -euo pipefail`.

jobs_for() {
    local most=$1 table lines
    shift
    for table in "$@"; do
        lines=$(wc -l <"${table}")
        ((lines >= most)) || most=${lines}
    done
    echo "${most}"
}

split_keys() {
    local job
    for ((job = 1; job <= $1; job++)); do
        awk -v n="$1" -v j="${job}" 'NR % n == j % n' "$2" >"$3.${job}.scp"
    done
}

clear_jobs() {
    mkdir -p "$1"
    find "$1" -mindepth 1 -maxdepth 1 ! -name '.*.slurm_job' -exec rm -rf {} +
}
