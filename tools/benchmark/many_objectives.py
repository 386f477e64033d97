"""Train a toy model on very many languages and objectives: time, memory and files.

Each language is recognised, all but the first are translated into the first, and the first into the
second. The corpus is generated and deleted. Last line: one JSON object.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.many_objectives",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--languages", type=int, default=100, help="Half of the objectives (100)")
    parser.add_argument("--steps", type=int, default=4, help="Steps of each kind (4)")
    parser.add_argument("--folder", type=Path, help="Folder of temporary files (the system's)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid.
    """
    options = get_parser().parse_args(arguments)
    if options.languages < 2 or options.steps < 1:
        raise ValueError(
            "`--languages` must be 2 or more and `--steps` 1 or more, but got"
            f" {options.languages} and {options.steps}."
        )
    with TemporaryDirectory(dir=options.folder) as scratch:
        found = measure(Path(scratch), options.languages, options.steps)
    for name, value in found.items():
        print(f"{name:<28} {value:10.2f}")
    print(json.dumps(found))


def measure(folder: Path, languages: int, steps: int) -> dict[str, float]:
    """Return seconds of each part, and sizes, MiB.

    Args:
        folder: Folder of temporary files.
        languages: Number of languages, half that of the objectives.
        steps: Steps of each kind that are timed, after one that is not.
    """
    import torch

    from espnet_soups.bin.msp_train import main as train
    from espnet_soups.report.history import read_history
    from espnet_soups.report.plots.figure import save, style_context
    from espnet_soups.report.plots.pictures import DRAWINGS, missing_pictures
    from espnet_soups.report.train_log import TrainLog
    from espnet_soups.testing.toy_corpus import make_toy_corpus
    from espnet_soups.testing.toy_model import (
        DECODER_CONF,
        DIMENSION,
        ENCODER_CONF,
        TOKENS,
        make_toy_model,
    )

    codes = [f"l{number:03d}" for number in range(languages)]
    pairs = [f"{code}_{codes[0]}" for code in codes[1:]] + [f"{codes[0]}_{codes[1]}"]
    found: dict[str, float] = {"objectives": 2.0 * languages, "start, MiB": peak_mib()}
    tokens = list(TOKENS)
    for name, conf in (
        ("joint", {"combiner": "static"}),
        ("measured", {"combiner": "modo", "layers": ["encoder.encoders.1"]}),
    ):
        model, found[f"build, {name}, s"] = timed(
            partial(
                make_toy_model,
                "msp",
                {"soup": "vs", **conf},
                asr_token_list=dict.fromkeys(codes, tokens),
                st_token_list=dict.fromkeys(codes[:2], tokens),
                st_pairs=pairs,
            )
        )
        model = model.float().train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        model.soup.bind(model, optimizer)
        model.soup.open_epoch(1, 1, 1)
        batch = many_languages(languages, DIMENSION, len(TOKENS))

        def step(model: Any = model, optimizer: Any = optimizer, batch: Any = batch) -> None:
            model(**batch)[0].backward()
            optimizer.step()
            optimizer.zero_grad()

        step()
        seconds = [timed(step)[1] for _ in range(steps)]
        found[f"step, {name}, s"] = sorted(seconds)[len(seconds) // 2]
    found["steps, peak MiB"] = peak_mib()
    corpus = make_toy_corpus(folder, codes, pairs, utterances=4)
    exp = folder / "exp"
    encoder = [
        word
        for pair in ENCODER_CONF.items()
        for word in ("--encoder_conf", "=".join(map(str, pair)))
    ]
    words = [*corpus.arguments, "--encoder", "e_branchformer", *encoder, "--output_dir", str(exp)]
    words += ["--trainer", "msp", "--trainer_conf", "soup=vs", "--trainer_conf", "refresh=2"]
    for kind in ("asr", "st"):
        for name, value in DECODER_CONF.items():
            words += [f"--{kind}_decoder_conf", f"{name}={value}"]
    words += ["--batch_type", "numel", "--batch_bins", "1000000", "--valid_batch_bins", "1000000"]
    words += ["--max_epoch", "1", "--num_iters_per_epoch", str(steps), "--use_tensorboard", "false"]
    _, found["training command, s"] = timed(lambda: train(words))
    found["training, peak MiB"] = peak_mib()
    found["checkpoint, MiB"] = (exp / "checkpoint.pth").stat().st_size / 2**20
    found["model, MiB"] = (exp / "1epoch.pth").stat().st_size / 2**20
    found["record, MiB"] = (exp / "soup.jsonl").stat().st_size / 2**20
    words[words.index("--max_epoch") + 1] = "2"
    _, found["resumed epoch, s"] = timed(lambda: train([*words, "--resume", "true"]))
    history, found["history, s"] = timed(lambda: read_history(exp, TrainLog()))
    with style_context():
        for name in DRAWINGS:
            if name not in missing_pictures(history):
                picture = folder / f"{name}.png"
                start = time.perf_counter()
                save(DRAWINGS[name](history), picture)
                found[f"picture {name}, s"] = time.perf_counter() - start
                found[f"picture {name}, MiB"] = picture.stat().st_size / 2**20
    found["pictures, peak MiB"] = peak_mib()
    return found


def many_languages(languages: int, dimension: int, vocabulary: int) -> dict[str, Any]:
    """Return a mini-batch: two utterances of each language, with transcript and translation.

    Args:
        languages: Number of languages.
        dimension: Feature dimension.
        vocabulary: Number of tokens, special ones among them.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    size = 2 * languages
    batch: dict[str, Any] = {
        "speech": torch.randn(size, 14, dimension, generator=generator),
        "speech_lengths": torch.full((size,), 14),
        "lang": torch.arange(languages).repeat_interleave(2).unsqueeze(1),
        "lang_lengths": torch.ones(size, dtype=torch.long),
    }
    into = torch.where(batch["lang"][:, 0] == 0, 1, 0)
    for name, has in (("text", None), ("text_l000", into == 0), ("text_l001", into == 1)):
        labels = torch.randint(2, vocabulary - 1, (size, 4), generator=generator)
        lengths = torch.full((size,), 4)
        if has is not None:
            labels[~has], lengths[~has] = -1, 1
        batch[name], batch[f"{name}_lengths"] = labels, lengths
    return batch


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what some work returns, and its seconds.

    Args:
        work: The work.
    """
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def peak_mib() -> float:
    """Return the peak resident memory of this process so far, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    run_command(main)
