#!/usr/bin/env bash
# Shares the utterances of a table among jobs; none is left without one.
#
# jobs_for MOST TABLE…          prints how many jobs: MOST, or the lines of the shortest table if these are fewer
# split_keys JOBS TABLE PREFIX  writes PREFIX.1.scp … PREFIX.JOBS.scp, every JOBS-th line each
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
