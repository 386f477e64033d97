#!/usr/bin/env bash
# Builds the site from docs/*.md, with warnings as errors; it needs no network to be read.
#
#   tools/docs/build.sh              into site/: open site/index.html
#   tools/docs/build.sh FOLDER       into another folder
#
# Sets up the environment on first use (tools/setup.sh).
set -euo pipefail

case "${1:-}" in
-h | --help) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
esac
folder=$(realpath -m "${1:-$(dirname "${BASH_SOURCE[0]}")/../../site}")
CDPATH="" cd "$(dirname "${BASH_SOURCE[0]}")/../.."
soups_extra="test" # its tools are among those of the tests; read by activate.sh
# shellcheck source=tools/activate.sh
. tools/activate.sh
export NO_MKDOCS_2_WARNING=1
python -m mkdocs build --strict --quiet --config-file tools/docs/mkdocs.yml --site-dir "${folder}"
echo "wrote ${folder}/index.html"
