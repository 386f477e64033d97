#!/usr/bin/env bash
# Formatting, lint, docstrings, types, shell scripts, tests: all that must pass before a change lands.
#
#   tools/run_tests.sh                        everything, a file of tests per core at a time
#   tools/run_tests.sh test/weighting -k modo the checks, then only these tests (pytest's arguments)
#
# Sets up the environment on first use (tools/setup.sh). Ends at the first check that fails.
set -euo pipefail

CDPATH="" cd "$(dirname "${BASH_SOURCE[0]}")/.."
case "${1:-}" in
-h | --help) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
esac
soups_extra="test" # read by activate.sh
# shellcheck source=tools/activate.sh
. tools/activate.sh
export LC_ALL=C.UTF-8
# the tests run side by side with others, and small matrices are slower on many threads
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

check() {
    local title=$1 start=${SECONDS} status=0
    shift
    "$@" || status=$?
    ((status == 0)) || {
        echo "error: ${title} failed after $((SECONDS - start)) s: $1 ${2:-} says why above" >&2
        exit "${status}"
    }
    echo "ok: ${title} ($((SECONDS - start)) s)"
}

mapfile -t scripts < <(find .ci tools egs2 \( -name venv -o -name downloads -o -name data -o -name dump -o -name exp \) -prune \
    -o -type f \( -name '*.sh' -o -path .ci/run \) -print | sort)

check "format" ruff format --check .
check "lint" ruff check .
check "docstrings" python -m tools.check_docstrings
check "types" mypy
check "${#scripts[@]} shell scripts" shellcheck --external-sources "${scripts[@]}"
# a worker takes up to 2 GB
(($# > 0)) || set -- --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder
check "tests" python -m pytest "$@"
