"""Compare decoding with stock ESPnet: the exported objectives, utterance by utterance.

Recognition is ESPnet's `asr_inference` (CTC prefix beam, or CTC and attention for heads that have
a decoder), translation its `st_inference`; both sides have the same options, read the same speech
and take turns in this process. Models are loaded before. The last line of the output is one JSON
object. Ends with an error if any text differs.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from espnet_soups.bin.command import run_command

if TYPE_CHECKING:
    from tools.benchmark.decoding_cost import DecodingCost


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark.decoding",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--exp_dir", type=Path, required=True, help="Folder that training wrote")
    add("--set_dir", type=Path, required=True, help="Folder with utt2lang and feats.scp or wav.scp")
    add("--utterances", type=int, default=8, help="Utterances of each language (8)")
    add("--rounds", type=int, default=3, help="Turns of each (3)")
    add("--beam_size", type=int, default=3, help="Hypotheses that every search keeps (3)")
    add("--batch_size", type=int, default=16, help="Utterances that are encoded together (16)")
    add("--num_threads", type=int, default=1, help="Threads (1)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid, an objective has no stock model, or a text differs.
        OSError: If a file is missing.
    """
    options = get_parser().parse_args(arguments)
    for name in ("utterances", "rounds", "beam_size", "batch_size", "num_threads"):
        if getattr(options, name) < 1:
            raise ValueError(f"`--{name}` must be 1 or more, but got {getattr(options, name)}.")
    if not options.set_dir.is_dir():
        raise FileNotFoundError(f"`--set_dir`: there is no folder {options.set_dir}.")
    import torch

    from tools.benchmark.decoding_cost import compare_decoding

    torch.set_num_threads(options.num_threads)
    found = compare_decoding(
        options.exp_dir,
        options.set_dir,
        options.utterances,
        options.rounds,
        {"beam_size": options.beam_size, "batch_size": options.batch_size},
        lambda number: print(f"round {number} of {options.rounds}", file=sys.stderr),
    )
    print_costs(found)
    print(json.dumps([asdict(cost) for cost in found]))
    different = [name for cost in found for name in cost.different]
    if different:
        raise ValueError(
            f"{len(different)} texts differ from those of stock ESPnet: {different[:5]}."
        )


def print_costs(costs: Sequence["DecodingCost"]) -> None:
    """Print a table with a row for each task.

    Args:
        costs: The costs.
    """
    print(f"{'':<22} {'CPU seconds per second of speech':>34} {'ratio, CPU':>12} {'wall':>6}")
    print(f"{'':<22} {'ESPnet':>17} {'ours':>16}")
    for cost in costs:
        print(
            f"{cost.task:<22} {cost.stock_cpu:17.4f} {cost.own_cpu:16.4f}"
            f" {cost.cpu_ratio:12.1f} {cost.wall_ratio:6.1f}"
        )
    first = costs[0]
    print(f"{first.utterances} utterances, {first.audio_seconds:.0f} s; medians of the rounds")


if __name__ == "__main__":
    run_command(main)
