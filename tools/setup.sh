#!/usr/bin/env bash
# Sets up the Python environment of the recipes and the tests; see the text of --help.
set -euo pipefail

tools_dir=$(CDPATH="" cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/environment.sh
. "${tools_dir}/environment.sh"
# shellcheck source=tools/find_python.sh
. "${tools_dir}/find_python.sh"
# shellcheck source=tools/uv.sh
. "${tools_dir}/uv.sh"

needed_gb=10 # measured: packages 6.6 GB, their downloads 2.8 GB
log="${tools_dir}/setup.log"

usage() {
    cat <<END
Usage: tools/setup.sh [--test] [--help]

Makes tools/venv with espnet-soups and all it needs (versions: setup.py). The recipes' path.sh and
tools/run_tests.sh call it on first use. It can be run again at any time: it repairs what an
interruption left, follows changes of setup.py, and does nothing when all is up to date.

Python: needs $(soups_requirement python). Taken from, in this order: \$PYTHON, python3.13, python3.12, python3, the
versions of pyenv, an installed conda or uv.

An activated virtual environment or conda environment that already has espnet $(soups_requirement espnet) is used
as it is: only missing packages are added, nothing in it changes its version. With --test (tools/run_tests.sh)
it gets the tools of the tests too; tools/venv always has them.

Size: on Linux the packages bring torch with CUDA, about 3 GB to download and 7 GB on disk (${needed_gb} GB free
needed); 1–2 minutes on a fast line. uv installs them (from PyPI, if you have none), else pip does: where uv cannot be
had, fails, or lacks a setting of pip's, and in an activated environment without uv. Both respect pip's settings
(PIP_INDEX_URL, PIP_FIND_LINKS, pip.conf, …), so an index of your own can supply a smaller torch, such as the CPU
builds of PIP_EXTRA_INDEX_URL. uv keeps what it unpacks in its cache (~/.cache/uv, if that is on the same disk), and
further clones then take seconds and no room. SOUPS_INSTALLER=pip or uv chooses. What they print is kept in
tools/setup.log.
END
}

say() { echo "setup: $*" >&2; }
fail() {
    echo "error: $*" >&2
    exit 1
}

check_disk() {
    local free_gb
    free_gb=$(($(df -Pk "${tools_dir}" | awk 'NR == 2 {print $4}') / 1024 / 1024))
    ((free_gb >= needed_gb)) ||
        fail "the disk of ${tools_dir} has ${free_gb} GB free, but the packages need ${needed_gb} GB while they are installed; free some space or clone to another disk"
}

# Makes an empty tools/venv; with conda or uv alone they also bring the Python.
make_venv() {
    local python complaint
    rm -rf "${soups_venv}"
    if complaint=$(find_python 2>&1); then
        python=${complaint}
        say "making tools/venv with ${python} ($("${python}" -V))"
        "${python}" -m venv "${soups_venv}"
    elif [[ -z ${PYTHON:-} ]] && command -v conda >/dev/null; then
        say "making tools/venv with conda, which downloads Python 3.13"
        conda create --yes --quiet -p "${soups_venv}" "python=3.13" pip >"${log}" 2>&1 ||
            fail "conda could not make tools/venv: $(tail -n 3 "${log}")"
    elif [[ -z ${PYTHON:-} ]] && command -v uv >/dev/null; then
        say "making tools/venv with uv, which downloads Python 3.13"
        uv venv --no-project --seed --python 3.13 "${soups_venv}" >"${log}" 2>&1 ||
            fail "uv could not make tools/venv: $(tail -n 3 "${log}")"
    else
        echo "${complaint}" >&2
        exit 1
    fi
}

# Turns pip's talk into a line per large download and one for the silent unpacking.
show_progress() {
    local line name size packages start=${SECONDS}
    while IFS= read -r line; do
        case "${line}" in
        *Downloading*" MB)"* | *"Using cached"*" MB)"*)
            size=${line##*\(} name=${line##*/}
            name=${name#*Downloading } name=${name#*Using cached } name=${name%%-*}
            size=${size%%.*} size=${size%% *}
            ((size < 50)) || say "$((SECONDS - start)) s: ${name} (${size} MB)"
            ;;
        "Installing collected packages"*)
            packages=$(wc -w <<<"${line#*: }")
            say "$((SECONDS - start)) s: unpacking $((packages)) package(s)$( ((packages < 50)) || echo ', 1–3 silent minutes')"
            ;;
        esac
    done
}

explain_failure() {
    local way_out="see ${log}; run tools/setup.sh again to go on"
    tail -n 15 "${log}" | sed 's/^/    /' >&2
    if grep -qiE 'no space left' "${log}"; then
        way_out="the disk is full: free some space (${needed_gb} GB), then run tools/setup.sh again"
    elif grep -qiE 'NewConnectionError|name resolution|Max retries|timed out|ProxyError' "${log}"; then
        way_out="the package index was not reached: check the network or pip's settings, then run tools/setup.sh again"
    elif tail -n 3 "${log}" | grep -q 'sndfile'; then
        way_out="soundfile finds no libsndfile: install it (Debian and Ubuntu: apt install libsndfile1), then run tools/setup.sh again"
    elif grep -q 'ResolutionImpossible' "${log}" && [[ $1 != "${soups_venv}" ]]; then
        way_out="the environment $1 holds versions that espnet-soups cannot use, and was left as it is: deactivate it, and tools/venv is used instead"
    fi
    fail "pip did not install espnet-soups: ${way_out}"
}

# In an environment of the user's nothing may change its version: every installed one is a constraint.
write_constraints() {
    [[ $1 == "${soups_venv}" ]] && return 0
    "$1/bin/python" -c '
import importlib.metadata as metadata
for found in metadata.distributions():
    if found.name and found.name.lower().replace("_", "-") != "espnet-soups":
        print(f"{found.name}=={found.version}")'
}

# The packages that setup.py asks for, one per line; argument: python, extras.
list_needs() {
    "$1" -c '
import runpy, sys, types
asked = {}
stub = types.ModuleType("setuptools")
stub.setup, stub.find_packages = (lambda **given: asked.update(given)), (lambda **_: [])
sys.modules["setuptools"] = stub
runpy.run_path(sys.argv[1])
print(*asked["install_requires"], *(n for e in sys.argv[2:] for n in asked["extras_require"][e]), sep="\n")
' "${soups_root}/setup.py" ${soups_extra:+"${soups_extra}"}
}

install_package() {
    local prefix=$1 work owner what=(--editable "${soups_root}[test]")
    work=$(mktemp -d "${tools_dir}/.setup.XXXXXX")
    # shellcheck disable=SC2064  # the name of now is meant
    trap "rm -rf '${work}'" EXIT
    write_constraints "${prefix}" >"${work}/constraints.txt"
    if [[ ${prefix} != "${soups_venv}" ]]; then
        what=(--editable "${soups_root}${soups_extra:+[${soups_extra}]}")
        if owner=$(soups_installed_from "${prefix}") && [[ ${owner} != "${soups_root}" ]]; then
            # another clone's environment: activate.sh puts this clone first for its own commands alone
            list_needs "${prefix}/bin/python" >"${work}/needs.txt"
            what=(--requirement "${work}/needs.txt")
            say "espnet-soups of ${owner} stays installed there; outside run.sh, source path.sh first, so that commands run this clone"
        fi
    fi
    if install_with_uv "${prefix}" "${work}" "${what[@]}"; then
        grep -qi '^soundfile==' "${work}/constraints.txt" || mend_soundfile "${prefix}"
        check_install "${prefix}"
        return 0
    fi
    # pip's temporary files lie beside the venv: /tmp is often a small memory disk
    env -u PYTHONHOME -u PYTHONPATH TMPDIR="${work}" PIP_USER=0 PYTHONUNBUFFERED=1 \
        "${prefix}/bin/python" -m pip install --no-input --progress-bar off --disable-pip-version-check \
        --constraint "${work}/constraints.txt" "${what[@]}" 2>&1 </dev/null |
        tee "${log}" | show_progress || explain_failure "${prefix}"
    check_install "${prefix}"
}

# Installs with uv; fails, and says why, where pip has to do it.
install_with_uv() {
    local prefix=$1 work=$2 uv
    shift 2
    [[ ${SOUPS_INSTALLER:-uv} == uv ]] || return 1
    uv=$(find_uv "${prefix}") || {
        [[ ${prefix} != "${soups_venv}" ]] || say "uv could not be had; pip installs, which takes longer"
        return 1
    }
    (
        export_pip_settings "${prefix}/bin/python" || {
            say "uv has nothing like pip's setting ${uv_lacks}; pip installs, which takes longer"
            exit 1
        }
        share_cache "${work}"
        env -u PYTHONHOME -u PYTHONPATH TMPDIR="${work}" "${uv}" pip install --python "${prefix}/bin/python" \
            --constraint "${work}/constraints.txt" ${uv_words[@]+"${uv_words[@]}"} "$@" 2>&1 </dev/null | tee "${log}" | show_uv_progress || {
            say "uv failed ($(grep -m 1 -iE '^error' "${log}" || tail -n 1 "${log}")); pip tries it"
            exit 1
        }
    )
}

# Of a release that several indexes hold, uv takes a file of the first of them, be it the one without libsndfile.
mend_soundfile() {
    env -u PYTHONHOME -u PYTHONPATH "$1/bin/python" -c 'import soundfile' 2>/dev/null && return 0
    say "this build of soundfile lacks libsndfile; pip looks for one that has it"
    env -u PYTHONHOME -u PYTHONPATH PIP_USER=0 "$1/bin/python" -m pip install --no-input --disable-pip-version-check \
        --force-reinstall --no-deps 'soundfile>=0.13' >>"${log}" 2>&1 || explain_failure "$1"
}

# Imports what training and decoding do. The byte code is kept, as uv compiles none and PYTHONDONTWRITEBYTECODE, which
# many containers set, would let every command compile 4,000 modules anew.
check_install() {
    say "compiling what training and decoding import"
    env -u PYTHONHOME -u PYTHONPATH -u PYTHONDONTWRITEBYTECODE "$1/bin/python" -c '
import torch, torchaudio, soundfile, sacrebleu, matplotlib.figure
import espnet_soups.inference.decode_set, espnet_soups.task.training.msp_trainer' \
        >>"${log}" 2>&1 || explain_failure "$1"
}

main() {
    local prefix stamp start=${SECONDS}
    case "${1:-}" in
    "") ;;
    --test) soups_extra="test" ;;
    -h | --help) usage && exit 0 ;;
    *) echo "error: tools/setup.sh takes no '$1'; see tools/setup.sh --help" >&2 && exit 2 ;;
    esac
    prefix=$(soups_prefix)
    if soups_is_set_up "${prefix}"; then
        say "up to date: ${prefix}"
        exit 0
    fi
    # two terminals, or two clones with one environment: the second waits, then finds the work done
    if command -v flock >/dev/null; then
        if [[ ${prefix} == "${soups_venv}" ]]; then exec 9>"${tools_dir}/.setup.lock"; else exec 9>"${prefix}/.espnet-soups.lock"; fi
        flock --nonblock 9 || { say "waiting for another tools/setup.sh"; flock 9; }
        soups_is_set_up "${prefix}" && exit 0
        rm -rf "${tools_dir}"/.setup.?????? # gigabytes of a set-up that was killed
    fi
    if [[ ${prefix} != "${soups_venv}" ]]; then
        say "using the activated environment ${prefix}; packages it lacks are added, none is changed"
    else
        # a mark that is still there tells of an interruption: unpacked halves are not to be trusted
        if [[ -e ${soups_venv}/incomplete ]] || ! "${soups_venv}/bin/python" -m pip --version >/dev/null 2>&1; then
            check_disk
            make_venv
            say "installing espnet-soups and what it needs: about 3 GB to download, 7 GB on disk, 1–2 minutes on a fast line"
        else
            say "bringing tools/venv up to date with setup.py"
        fi
        touch "${soups_venv}/incomplete"
    fi
    stamp=$(soups_stamp_file "${prefix}")
    rm -f "${stamp}"
    install_package "${prefix}"
    soups_stamp "${prefix}" >"${stamp}.tmp"
    mv "${stamp}.tmp" "${stamp}"
    rm -f "${soups_venv}/incomplete"
    say "done in $((SECONDS - start)) s: ${prefix} ($("${prefix}/bin/python" -V), espnet $(soups_versions "${prefix}/bin/python" | cut -d' ' -f2))"
}

main "$@"
