#!/usr/bin/env bash
# Sourced by path.sh and run_tests.sh: puts the environment of tools/setup.sh first on PATH, and
# sets it up on first use (with soups_extra=test: the tools of the tests too). Returns non-zero,
# after the one sentence of setup.sh, when that fails.

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    echo "error: bash ${BASH_VERSION} is too old: 4.4 or newer is needed (on macOS: 'brew install bash')" >&2
    return 1
fi
# shellcheck source=tools/environment.sh
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

_soups_prefix=$(soups_prefix)
if ! soups_is_set_up "${_soups_prefix}"; then
    "${soups_root}/tools/setup.sh" ${soups_extra:+"--${soups_extra}"} || return 1
fi
if [[ ${_soups_prefix} == "${soups_venv}" ]]; then
    # an ESPnet checkout of the user's must not shadow the release that was installed
    _soups_kept=""
    IFS=: read -ra _soups_entries <<<"${PYTHONPATH:-}"
    for _soups_entry in ${_soups_entries[@]+"${_soups_entries[@]}"}; do
        if [[ -d ${_soups_entry}/espnet2 ]]; then
            echo "note: ${_soups_entry} in PYTHONPATH holds another espnet; it is left out of this run" >&2
        elif [[ -n ${_soups_entry} ]]; then
            _soups_kept+="${_soups_kept:+:}${_soups_entry}"
        fi
    done
    export PYTHONPATH="${_soups_kept}" PYTHONNOUSERSITE=1
    export VIRTUAL_ENV="${soups_venv}"
    unset PYTHONHOME
else
    # several clones may share this environment: whichever was installed last, this one runs
    export PYTHONPATH="${soups_root}${PYTHONPATH:+:${PYTHONPATH}}"
fi
export PATH="${_soups_prefix}/bin:${PATH}"
