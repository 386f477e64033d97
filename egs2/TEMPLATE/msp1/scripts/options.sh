#!/usr/bin/env bash
# Options of a recipe script, each defined once: name, default and help in one line.
#
#   . scripts/options.sh
#   option_usage "./run.sh [options]" "Trains, decodes and scores a soup."
#   option_group "Stages"
#   option stage 1 "First stage to run"
#   option force false "Run stages again that are up to date"
#   option_group "Soup"
#   option train_args "" "Further options of training, such as '--max_epoch 3'"
#   parse_options "$@"
#
# `option NAME DEFAULT HELP` sets the variable NAME to DEFAULT. `parse_options` takes
# `--name value`, `--name=value`, dashes or underscores alike (`--stop-stage 3`), of several values of
# one option the last (so run.sh hands on its own, followed by "$@"), and `--help`, which lists all
# with the values in force. The default tells what is valid: `true`/`false` makes a switch
# (`--force` alone means true), a whole number asks for one, a number with a point for a number, anything else
# takes any text, in which tabs and ends of lines become spaces. A whole default that may be broken is written 1.0.
# What is wrong ends with one sentence that names the nearest options, and status 2.
#
# `option_words ARRAY` fills an array with all options as they are then, a word `--name=value` for each.
#
# Needs bash 4.4; safe under `set -euo pipefail`.

declare -A _option_default=() _option_help=() _option_kind=()
_option_lines=() # in order: "= Group" or the name of an option
_option_usage="./run.sh [options]"
_option_about=""

option_usage() {
    _option_usage=$1
    _option_about=${2:-}
}

option_group() { _option_lines+=("= $1"); }

option() {
    [[ $# -eq 3 && $1 =~ ^[a-z][a-z0-9_]*$ ]] || _option_fail "the script defines an option wrongly: option $*"
    [[ -z ${_option_help[$1]+defined} ]] || _option_fail "the script defines the option $1 twice"
    _option_lines+=("$1")
    _option_default[$1]=$2
    _option_help[$1]=$3
    if [[ $2 == true || $2 == false ]]; then
        _option_kind[$1]="true or false"
    elif [[ $2 =~ ^-?[0-9]+$ ]]; then
        _option_kind[$1]="a whole number"
    elif [[ $2 =~ ^-?[0-9]+\.[0-9]*$ ]]; then
        _option_kind[$1]="a number"
    else
        _option_kind[$1]=text
    fi
    printf -v "$1" '%s' "$2"
}

parse_options() {
    local word name value wants_help=false
    while (($# > 0)); do
        word=$1
        shift
        case "${word}" in
        -h | --help) wants_help=true && continue ;;
        --?*) ;;
        *) _option_fail "'${word}' is not an option; write --name value (see --help)" ;;
        esac
        name=${word%%=*}
        name=${name#--}
        name=${name//-/_}
        [[ -n ${_option_help[${name}]+defined} ]] || _option_fail_unknown "${word%%=*}"
        if [[ ${word} == *=* ]]; then
            value=${word#*=}
        elif [[ ${_option_kind[${name}]} == "true or false" && ($# -eq 0 || $1 == --*) ]]; then
            value=true
        elif (($# == 0)); then
            _option_fail "--${name} needs a value after it"
        elif _option_is_known "$1"; then
            _option_fail "--${name} needs a value, but the option $1 follows (if that is the value, write --${name}=$1)"
        else
            value=$1
            shift
        fi
        _option_check "${name}" "${value}"
        # where bash computes, 010 is 8
        [[ ${_option_kind[${name}]} != "a whole number" || ! ${value} =~ ^(-?)0+([0-9]+)$ ]] || value=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
        printf -v "${name}" '%s' "${value//[$'\n\t']/ }" # lists are read from one line
    done
    if ${wants_help}; then
        _option_print_help
        exit 0
    fi
}

option_words() {
    local _line
    local -n _words=$1
    _words=()
    for _line in "${_option_lines[@]}"; do
        [[ ${_line} == "= "* ]] || _words+=("--${_line}=${!_line}")
    done
}

_option_fail() {
    echo "error: $*" >&2
    exit 2
}

_option_is_known() {
    local name=${1%%=*}
    [[ ${name} == --?* ]] || return 1
    name=${name#--}
    [[ -n ${_option_help[${name//-/_}]+defined} || $1 == --help ]]
}

_option_check() {
    local kind=${_option_kind[$1]} valid
    case "${kind}" in
    "true or false") valid='^(true|false)$' ;;
    "a whole number") valid='^-?[0-9]+$' ;;
    "a number") valid='^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$' ;;
    *) return 0 ;;
    esac
    [[ $2 =~ ${valid} ]] || _option_fail "--$1 wants ${kind}, but got '$2'"
}

_option_fail_unknown() {
    local wanted=${1#--} name distance near="" limit
    wanted=${wanted//-/_}
    limit=$((${#wanted} / 3 + 1))
    near=$(
        for name in "${!_option_help[@]}"; do
            if [[ ${#wanted} -ge 2 && (${name} == *"${wanted}"* || ${wanted} == *"${name}"*) ]]; then
                echo "1 --${name}"
            else
                distance=$(_option_distance "${wanted}" "${name}" "${limit}")
                ((distance > limit)) || echo "${distance} --${name}"
            fi
        done | sort -n | head -n 3 | cut -d' ' -f2 | paste -sd' ' | sed 's/ /, /g'
    )
    _option_fail "there is no option $1${near:+; near it: ${near}}; --help lists all"
}

# Edits (Levenshtein) that turn $1 into $2; more than $3 when their lengths tell so at once.
_option_distance() {
    local a=$1 b=$2 i j cost left above
    local -a row=()
    if ((${#a} - ${#b} > $3 || ${#b} - ${#a} > $3)); then
        echo $(($3 + 1))
        return 0
    fi
    for ((j = 0; j <= ${#b}; j++)); do row[j]=${j}; done
    for ((i = 1; i <= ${#a}; i++)); do
        left=${i}
        for ((j = 1; j <= ${#b}; j++)); do
            cost=1
            [[ ${a:i-1:1} != "${b:j-1:1}" ]] || cost=0
            above=$((row[j - 1] + cost))
            ((above <= row[j] + 1)) || above=$((row[j] + 1))
            ((above <= left + 1)) || above=$((left + 1))
            row[j - 1]=${left}
            left=${above}
        done
        row[${#b}]=${left}
    done
    echo "${row[${#b}]}"
}

_option_print_help() {
    local line value
    printf 'Usage: %s\n' "${_option_usage}"
    [[ -z ${_option_about} ]] || printf '\n%s\n' "${_option_about}"
    printf '\nOptions: --name value or --name=value; the value in force stands in brackets.\n'
    for line in "${_option_lines[@]}"; do
        if [[ ${line} == "= "* ]]; then
            printf '\n%s\n' "${line#= }"
        else
            value=${!line}
            printf '  --%-24s %s [%s]\n' "${line}" "${_option_help[${line}]}" "${value:-empty}"
        fi
    done
}
