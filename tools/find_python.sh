#!/usr/bin/env bash
# Finds a Python that setup.py supports; sourced by setup.sh after environment.sh.
#
#   find_python   prints the path of the first suitable one, in this order: $PYTHON, python3.13,
#                 python3.12, python3, the versions of pyenv, the base of conda, those that uv knows;
#                 else fails with one sentence on standard error
#
# A Python that cannot make a virtual environment (Debian splits it off) or that was built without
# SSL or compression is passed over, and the closing sentence says so.

# Prints "<version> <what it lacks, or ok>"; fails when it is no Python or only a shim for none.
inspect_python() {
    "$1" -c '
import sys
missing = []
for name in ("venv", "ensurepip", "ssl", "ctypes", "bz2", "lzma", "sqlite3"):
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
sys.stdout.write("%d.%d.%d " % sys.version_info[:3] + (",".join(missing) or "ok"))' 2>/dev/null
}

python_candidates() {
    local name pyenv_root base
    for name in python3.13 python3.12 python3; do
        # all on PATH, since a pyenv shim may stand before one that works
        type -aP "${name}" || true
    done
    pyenv_root=${PYENV_ROOT:-${HOME}/.pyenv}
    printf '%s\n' "${pyenv_root}"/versions/*/bin/python | sort -rV
    if command -v conda >/dev/null; then
        base=$(conda info --base 2>/dev/null) && echo "${base}/bin/python"
    fi
    if command -v uv >/dev/null; then
        uv python find --no-project "$(soups_requirement python)" 2>/dev/null
    fi
    return 0
}

find_python() {
    local wanted candidate found version seen="" crippled=""
    wanted=$(soups_requirement python)
    if [[ -n ${PYTHON:-} ]]; then
        found=$(inspect_python "${PYTHON}") || found="none "
        version=${found% *}
        if [[ ${version} != none ]] && soups_in_range "${version}" "${wanted}" && [[ ${found#* } == ok ]]; then
            command -v "${PYTHON}"
            return 0
        fi
        [[ ${found#* } == ok || ${version} == none ]] || version+=" without its modules ${found#* }"
        [[ ${version} != none ]] || version="(which does not run)"
        echo "error: PYTHON=${PYTHON} is Python ${version}, but espnet-soups needs Python ${wanted};" \
            "set PYTHON to such a one, or unset it and one is searched for" >&2
        return 1
    fi
    while read -r candidate; do
        found=$(inspect_python "${candidate}") || continue
        version=${found% *}
        if ! soups_in_range "${version}" "${wanted}"; then
            seen+="${seen:+, }${version}"
        elif [[ ${found#* } != ok ]]; then
            crippled+="; ${candidate} (${version}) lacks ${found#* }"
        else
            echo "${candidate}"
            return 0
        fi
    done < <(python_candidates)
    echo "error: no Python ${wanted} was found (on PATH, in pyenv, conda or uv; found: ${seen:-none}${crippled});" \
        "install one, for example by 'apt-get install python3.12 python3.12-venv', 'pyenv install 3.13'," \
        "'conda install python=3.13' or 'uv python install 3.13', then run this again, with PYTHON=/path/to/python if it lies elsewhere" >&2
    return 1
}
