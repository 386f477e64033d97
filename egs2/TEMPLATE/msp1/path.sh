#!/usr/bin/env bash
# Sourced by the recipe's scripts, in the recipe's folder (a link to it stands there): the Python
# environment, set up on first use, and the settings that make runs the same everywhere.
#
#   MAIN_ROOT               the clone of espnet-soups; empty where the package was installed from a wheel
#   use_threads N           threads of the numerical libraries from here on; 0: all cores
#
# A machine of your own needs more (modules, proxies)? Write it into path.local.sh beside this file.

MAIN_ROOT=$(CDPATH="" cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
soups_python=""
if [[ -f path.soups.sh ]]; then # a copy made by `espnet-soups recipe`: it sets one of the two
    # shellcheck source=/dev/null
    . ./path.soups.sh
fi
[[ -z ${soups_python} ]] || MAIN_ROOT=""
export MAIN_ROOT

if [[ -f path.local.sh ]]; then
    # shellcheck source=/dev/null
    . ./path.local.sh
fi
if [[ -n ${soups_python} ]]; then
    "${soups_python}" -c 'import espnet_soups' 2>/dev/null || {
        echo "error: path.soups.sh names ${soups_python}, which is gone or has no espnet-soups: write another Python into it" >&2
        exit 1
    }
    PATH="$(dirname "${soups_python}"):${PATH}"
    export PATH
elif [[ -f ${MAIN_ROOT}/tools/activate.sh ]]; then
    # shellcheck source=tools/activate.sh
    . "${MAIN_ROOT}/tools/activate.sh" || exit 1
else
    echo "error: ${MAIN_ROOT} is no clone of espnet-soups: path.sh needs its folder in egs2/ of one, or a path.soups.sh as 'espnet-soups recipe' writes it" >&2
    exit 1
fi

# sorting by bytes and text as UTF-8, whatever the user's own language
_locale=C.UTF-8
[[ $(locale -a 2>/dev/null) == *[Cc].[Uu][Tt][Ff]* ]] || _locale=en_US.UTF-8 # macOS
export LC_ALL=${_locale} PYTHONIOENCODING=UTF-8 PYTHONUTF8=1

use_threads() {
    local threads=$1
    if ((threads == 0)); then
        threads=$(python -c 'from espnet_soups.free_cores import count_cores; print(count_cores())')
    fi
    export OMP_NUM_THREADS=${threads} MKL_NUM_THREADS=${threads} OPENBLAS_NUM_THREADS=${threads}
}

# threads wait in a short spin, then sleep: GNU OpenMP's long spin slows matrix products several times
# where cores are shared, and sleeping at once makes a step twice as long where they are free
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-10000}

# many jobs side by side are faster with a thread each; training may ask for more
use_threads "${OMP_NUM_THREADS:-1}"
export SOUPS_JOB_THREADS=${OMP_NUM_THREADS} # so that run.sh does not take it for a wish of the user's
