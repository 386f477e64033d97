#!/usr/bin/env bash
# Installs packages with uv, several times as fast as pip: it downloads and unpacks side by side, and clones
# on one disk share what is unpacked. Sourced by setup.sh.
#
#   find_uv PREFIX            prints the uv to use: the user's, else one from PyPI in tools/venv; fails where there is none
#   export_pip_settings PYTHON   pip's settings (index, certificates, …) as uv's variables, constraints as words in
#                             the array uv_words; fails where uv has no counterpart, named in uv_lacks
#   share_cache WORK          leaves uv its cache only where it lies on the disk of tools/, else uses a folder in WORK
#   show_uv_progress [EVERY]  turns uv's talk into a line every few seconds

# shellcheck disable=SC2154 # environment.sh assigns soups_venv
find_uv() {
    if command -v uv; then return 0; fi
    [[ $1 == "${soups_venv}" ]] || return 1 # an environment of the user's gets nothing that was not asked for
    [[ -x $1/bin/uv ]] || "$1/bin/python" -m pip install --quiet --no-input --disable-pip-version-check uv >/dev/null 2>&1 || return 1
    echo "$1/bin/uv"
}

export_pip_settings() {
    local line name value word
    uv_words=() uv_lacks=""
    while IFS= read -r line; do
        name=${line%%=*} value=${line#*=}
        value=${value#\'} value=${value%\'}
        value=${value//\\n/ } # several values of pip's file stand on lines of their own
        case "${name#*.}" in
        index-url) export UV_DEFAULT_INDEX=${value} ;;
        extra-index-url) export UV_INDEX=${value} ;;
        find-links) export UV_FIND_LINKS=${value// /,} ;;
        constraint) for word in ${value}; do uv_words+=(--constraint "${word}"); done ;;
        no-index) [[ ${value,,} =~ ^(0|no|false|off)$ ]] || export UV_NO_INDEX=1 ;;
        trusted-host) export UV_INSECURE_HOST=${value} ;;
        cert) export SSL_CERT_FILE=${value} ;;
        proxy) export ALL_PROXY=${value} ;;
        timeout | default-timeout) export UV_HTTP_TIMEOUT=${value%%.*} ;;
        config-file | cache-dir | no-cache-dir | disable-pip-version-check | no-input | progress-bar | retries | user | \
            no-warn-script-location | root-user-action | require-virtualenv | break-system-packages | quiet | verbose) ;;
        *)
            # shellcheck disable=SC2034 # for the caller
            uv_lacks=${name#*.}
            return 1
            ;;
        esac
    done < <("$1" -m pip config list 2>/dev/null)
    # as pip does: the best version of all indexes
    export UV_INDEX_STRATEGY=unsafe-best-match UV_NO_PROGRESS=1 UV_NO_CONFIG=1
}

share_cache() {
    local cache=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/uv}
    [[ -z ${UV_CACHE_DIR:-} ]] || return 0
    if mkdir -p "${cache}" 2>/dev/null && [[ -w ${cache} && $(df -P "${cache}" | awk 'NR == 2 {print $1}') == "$(df -P "$1" | awk 'NR == 2 {print $1}')" ]]; then
        return 0 # files of the cache and of the environments are one on the disk
    fi
    export UV_CACHE_DIR=$1/cache
}

show_uv_progress() {
    local every=${1:-5} line name size start=${SECONDS} told=0 done_mib=0 all_mib=0
    local -A mib=()
    while IFS= read -r line; do
        case "${line}" in
        *Downloading*"MiB)")
            name=${line#*Downloading } size=${line##*\(}
            name=${name%% *} size=${size%%.*}
            [[ -n ${mib[${name}]:-} ]] || all_mib=$((all_mib + size))
            mib[${name}]=${size}
            ;;
        *Downloaded*)
            name=${line##* }
            done_mib=$((done_mib + ${mib[${name}]:-0}))
            mib[${name}]=0
            if ((SECONDS - start >= told + every)); then
                told=$((SECONDS - start))
                say "${told} s: ${done_mib} of ${all_mib} MB downloaded"
            fi
            ;;
        Prepared* | Resolved* | Installed*) say "$((SECONDS - start)) s: ${line,}" ;;
        esac
    done
}
