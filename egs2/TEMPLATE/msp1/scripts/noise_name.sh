#!/usr/bin/env bash
# How names of sets and experiments call the noise of --noise.
#
# name_of_noise NOISE   prints `generated`, or the name of a folder and a number made of its whole path: many corpora
#                       have a folder `noise`
#
# Safe under `set -euo pipefail`.

name_of_noise() {
    local place
    [[ $1 != generated ]] || { echo "$1" && return; }
    place=$(realpath "$1" 2>/dev/null) || place=$1 # stage 2 says that it is not there
    printf '%s_%08x\n' "$(basename "$1")" "$(cksum <<<"${place}" | cut -d' ' -f1)"
}
