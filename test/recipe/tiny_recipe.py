"""A tiny recipe: a minute of tones that stand for letters, and a model that trains in seconds."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch
from warm_python import warm_variables

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "egs2" / "TEMPLATE" / "msp1"
FS = 8000
CONFIG = """
encoder: transformer
encoder_conf: {output_size: 16, attention_heads: 2, linear_units: 32, num_blocks: 2,
    dropout_rate: 0.0, input_layer: linear}
st_decoder: transformer
st_decoder_conf: {attention_heads: 2, linear_units: 32, num_blocks: 1}
normalize: global_mvn
trainer: msp
trainer_conf: {soup: vm, order: USA, penalty: [{level: 2, init: 0.5}], combiner_conf: {gamma: 0.1}}
optim: adam
optim_conf: {lr: 0.01}
scheduler: warmuplr
scheduler_conf: {warmup_steps: 20}
batch_type: numel
batch_bins: 16000
max_epoch: 2
keep_nbest_models: 2
best_model_criterion: [[valid, acc, max]]
num_workers: 0
seed: 1
"""
PRETRAIN = """
ssl_conf: {context_frames: 16, future_frames: 12, min_context_frames: 8, hidden_size: 8}
optim: adam
optim_conf: {lr: 0.01}
batch_type: numel
batch_bins: 16000
max_epoch: 1
best_model_criterion: [[valid, loss, min]]
num_workers: 0
"""
RUN = """#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$(realpath "$0")")"
MSP_ARGUMENTS="${*:+$(printf ' %q' "$@")}" exec ./msp.sh \
    --asr_langs "en fr" --st_pairs fr_en --fs 8000 --num_mel_bins 20 \
    --st_token_type char --speed_perturb_factors "0.9 1.0" --nj 1 --inference_nj 2 \
    --num_threads 1 "$@"
"""
DATA = """#!/usr/bin/env bash
set -euo pipefail
mkdir -p data
cp -r corpus/{train,dev,test} data/
"""


def write_corpus(root: Path) -> None:
    """Write audio and data dirs: a tone per letter; French shifts the alphabet by one."""
    random = np.random.default_rng(0)
    (root / "audio").mkdir(parents=True)
    for name, number in (("train", 16), ("dev", 4), ("test", 4)):
        rows: dict[str, list[str]] = {
            file: [] for file in ("wav.scp", "text", "text.en", "utt2lang", "utt2spk")
        }
        for language, shift in (("en", 0), ("fr", 1)):
            for index in range(number):
                key = f"{language}_a-{name}{index:02d}"
                word = "".join(random.choice(list("abcde"), random.integers(3, 6)))
                tones = [
                    np.sin(np.arange(1200) * (0.2 + 0.1 * (ord(c) - 97 + shift))) for c in word
                ]
                path = root / "audio" / f"{key}.wav"
                soundfile.write(path, 0.3 * np.concatenate(tones), FS)
                rows["wav.scp"].append(f"{key} {path}")
                rows["text"].append(f"{key} {word}")
                rows["text.en"].append(f"{key} {word[::-1] if language == 'fr' else '<na>'}")
                rows["utt2lang"].append(f"{key} {language}")
                rows["utt2spk"].append(f"{key} {language}_a")
        (root / name).mkdir()
        for file, lines in rows.items():
            (root / name / file).write_text("".join(f"{line}\n" for line in sorted(lines)))


def write_recipe(folder: Path) -> None:
    """Write a recipe with its corpus, beside the others, since path.sh finds the repository so."""
    write_corpus(folder / "corpus")
    (folder / "conf").mkdir()
    (folder / "local").mkdir()
    for name in ("msp.sh", "path.sh", "cmd.sh", "db.sh", "scripts"):
        (folder / name).symlink_to(TEMPLATE / name)
    (folder / "conf" / "train_msp.yaml").write_text(CONFIG)
    (folder / "conf" / "pretrain_cpc.yaml").write_text(PRETRAIN)
    (folder / "conf" / "decode_msp.yaml").write_text("beam_size: 2\nmaxlenratio: 0.5\n")
    for path, text in ((folder / "run.sh", RUN), (folder / "local" / "data.sh", DATA)):
        path.write_text(text)
        path.chmod(0o755)


def run(recipe: Path, *arguments: str, timeout: int = 300) -> subprocess.CompletedProcess[str]:
    """Run the recipe with this very Python and this very source tree."""
    return subprocess.run(
        ["./run.sh", *arguments],
        cwd=recipe,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def environment() -> dict[str, str]:
    """Return the variables of an activated environment."""
    return (
        os.environ
        | {
            "VIRTUAL_ENV": sys.prefix,
            "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}",
        }
        | warm_variables()
    )


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a model file."""
    loaded: dict[str, torch.Tensor] = torch.load(path, weights_only=True)
    return loaded
