#!/usr/bin/env bash
# Which Python environment the recipes and the tests use, and whether it is set up. Sourced by
# setup.sh, activate.sh and run_tests.sh; sets no shell options and prints nothing by itself.
#
#   soups_prefix            environment in use: an activated one with a supported espnet, else tools/venv
#   soups_is_set_up PREFIX  true when its stamp fits setup.py, the Python and this folder
#   soups_stamp_file PREFIX where its stamp lies
#   soups_stamp PREFIX      text of the stamp, written by setup.sh when everything is installed
#   soups_installed_from PREFIX  folder that its espnet-soups is imported from; fails where there is none
#   soups_requirement NAME  what setup.py asks of `python` or of a package, e.g. ">=3.12,<3.14"
#
# The variable soups_extra is "test" where the tests' tools are wanted too; tools/venv always has them, an
# environment of the user's only gets them for the tests. Versions stand in setup.py alone and are read from there.

soups_root=$(CDPATH="" cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
soups_venv="${soups_root}/tools/venv"

soups_requirement() {
    local pattern="^ *\"$1([<>=][^\"]*)\""
    [[ $1 == python ]] && pattern='^ *python_requires="([^"]*)"'
    sed -nE "s/${pattern}.*/\1/p" "${soups_root}/setup.py"
}

# Whether version $1 (dotted or a date such as 202611) lies in the range $2 (">=3.12,<3.14").
soups_in_range() {
    local bound limit lowest bounds
    IFS=, read -ra bounds <<<"$2"
    for bound in "${bounds[@]}"; do
        limit=${bound##*[<>=]}
        lowest=$(printf '%s\n%s\n' "$1" "${limit}" | sort -V | head -n 1)
        case "${bound}" in
        '>='*) [[ ${lowest} == "${limit}" ]] || return 1 ;;
        '<'[0-9]*) [[ ${lowest} == "$1" && $1 != "${limit}" ]] || return 1 ;;
        *)
            echo "error: setup.py holds the bound '${bound}'; tools/environment.sh reads only >= and <" >&2
            return 2
            ;;
        esac
    done
}

# Prints "<python version> <espnet version or ->" of one interpreter without importing espnet.
soups_versions() {
    "$1" -c '
import sys
version = "%d.%d.%d" % sys.version_info[:3]
try:
    from importlib.metadata import version as version_of
    found = version_of("espnet")
except Exception:
    found = "-"
sys.stdout.write(version + " " + found)' 2>/dev/null
}

# The activated venv or conda environment if it has a supported espnet; else fails.
soups_active_prefix() {
    local prefix versions
    for prefix in "${VIRTUAL_ENV:-}" "${CONDA_PREFIX:-}"; do
        [[ -n ${prefix} && -x ${prefix}/bin/python && ! ${prefix} -ef ${soups_venv} ]] || continue
        versions=$(soups_versions "${prefix}/bin/python") || continue
        [[ ${versions#* } != - ]] || continue
        soups_in_range "${versions% *}" "$(soups_requirement python)" || continue
        soups_in_range "${versions#* }" "$(soups_requirement espnet)" || continue
        echo "${prefix}"
        return 0
    done
    return 1
}

soups_prefix() {
    soups_active_prefix || echo "${soups_venv}"
}

soups_installed_from() {
    (cd / && env -u PYTHONPATH "$1/bin/python" -c '
import importlib.util, pathlib, sys
found = importlib.util.find_spec("espnet_soups")
if found is None or not found.origin:
    sys.exit(1)
print(pathlib.Path(found.origin).resolve().parents[1])' 2>/dev/null)
}

soups_stamp() {
    local versions
    versions=$(soups_versions "$1/bin/python") || return 1
    [[ ${versions#* } != - ]] || return 1
    echo "python ${versions% *}"
    # in an environment of the user's, activate.sh puts the clone in use first: any of them may be installed
    [[ $1 != "${soups_venv}" ]] || echo "installed from ${soups_root}"
    cat "${soups_root}/setup.py"
}

soups_stamp_file() {
    # another clone's own stamp, in its tools/venv, is left as it is
    [[ $1 == "${soups_venv}" ]] && echo "$1/espnet-soups.done" || echo "$1/espnet-soups-shared${soups_extra:+-${soups_extra}}.done"
}

soups_is_set_up() {
    local file
    file=$(soups_stamp_file "$1")
    [[ -x $1/bin/python && -f ${file} ]] || return 1
    [[ $(soups_stamp "$1") == "$(<"${file}")" ]]
}
