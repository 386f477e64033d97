#!/usr/bin/env bash
# Checks and measures training on one GPU, on a machine that needs no network and no ESPnet.
#
#   tools/gpu_check.sh prepare [OPTION...]   here: the asterisk recipe to stage 6, then wheels and features
#                                            into gpu_check/ (up to 64 MiB), see `prepare --help`
#   tools/gpu_check.sh run [OPTION...]       there, in a copy of this clone with gpu_check/: tests, costs of a
#                                            step, trainings; up to 8 minutes, see `run --help`
#
# `run` needs python3 with PyTorch and the packages of tools/gpu_check/machine.txt. It installs nothing but
# the wheels, into gpu_check/site.
set -euo pipefail
CDPATH="" cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

prepare() {
    # shellcheck source=tools/activate.sh
    . tools/activate.sh
    [[ " $* " == *" --help "* || " $* " == *" -h "* || " $* " == *" --recipe"* ]] ||
        egs2/asterisk/msp1/run.sh --stop_stage 6 --speed_perturb_factors ""
    exec python -m tools.gpu_check.prepare "$@"
}

run() {
    local folder=gpu_check word before=""
    for word in "$@"; do
        [[ ${before} != --folder ]] || folder=${word}
        [[ ${word} != --folder=* ]] || folder=${word#*=}
        before=${word}
    done
    if [[ -d ${folder}/wheels ]]; then
        rm -rf "${folder}/site.part"
        [[ -d ${folder}/site ]] || {
            python3 -m pip --quiet --disable-pip-version-check install --no-index --no-deps --no-compile --no-cache-dir \
                --target "${folder}/site.part" "${folder}"/wheels/*.whl
            mv "${folder}/site.part" "${folder}/site"
        }
        PYTHONPATH=$(realpath "${folder}/site"):${PYTHONPATH:-}
    fi
    export PYTHONPATH=${PWD}:${PYTHONPATH:-} PYTHONUTF8=1
    exec python3 -m tools.gpu_check "$@"
}

command=${1:-}
case "${command}" in
prepare | run) shift && "${command}" "$@" ;;
-h | --help) usage ;;
*)
    echo "error: tools/gpu_check.sh takes prepare or run, but got '${command}':" >&2
    usage >&2
    exit 2
    ;;
esac
