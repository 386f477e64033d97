"""Count the parameters of a training configuration by part, vocabularies included."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command
from espnet_soups.objectives.language_codes import split_pairs


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.machine_plan.parameters",
        description=__doc__ + " Nothing is allocated or trained.",
        epilog="Words after `--` are further options of msp_train.",
    )
    parser.add_argument("--config", type=Path, required=True, help="Training, YAML")
    parser.add_argument(
        "--asr_vocab", nargs="*", default=[], metavar="LANG=N", help="Tokens of each language"
    )
    parser.add_argument("--st_pairs", nargs="*", default=[], help="Pairs that are translated")
    parser.add_argument(
        "--st_vocab", nargs="*", default=[], metavar="LANG=N", help="Tokens of each target language"
    )
    parser.add_argument(
        "--input_size", type=int, default=320, help="Numbers of a stacked frame (320)"
    )
    parser.add_argument("--json", action="store_true", help="Print one JSON object")
    parser.add_argument("train_args", nargs="*", help=argparse.SUPPRESS)
    return parser


def read_sizes(words: Sequence[str], option: str) -> dict[str, int]:
    """Read sizes such as `en=1000 zh=4230`.

    Args:
        words: The words.
        option: Name of the option, for the message.

    Returns:
        Language to number.

    Raises:
        ValueError: If a word is not of that form.
    """
    sizes = {}
    for word in words:
        language, _, number = word.partition("=")
        if not (language and number.isdigit() and int(number) > 3):
            raise ValueError(f"`--{option}` must look like en=1000, but got {word!r}.")
        sizes[language] = int(number)
    return sizes


def main(arguments: Sequence[str] | None = None) -> None:
    """Count the parameters; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid.
    """
    options = get_parser().parse_args(arguments)
    asr = read_sizes(options.asr_vocab, "asr_vocab")
    st = read_sizes(options.st_vocab, "st_vocab")
    targets = {target for _, target in split_pairs(options.st_pairs, asr)}
    if targets != set(st):
        raise ValueError(f"`--st_vocab` must name {sorted(targets)}, but got {sorted(st)}.")
    counts = count(
        options.config, asr, st, options.st_pairs, options.input_size, options.train_args
    )
    total = sum(counts.values())
    if options.json:
        print(json.dumps({**counts, "total": total}))
        return
    for part, number in {**counts, "total": total}.items():
        print(f"{part:<12}{number / 1e6:>9.2f} M")


def count(
    config: Path,
    asr: Mapping[str, int],
    st: Mapping[str, int],
    pairs: Sequence[str],
    input_size: int | None = 320,
    train_args: Sequence[str] = (),
) -> dict[str, int]:
    """Count the parameters of a configuration by part; nothing is allocated.

    Args:
        config: Training configuration, YAML.
        asr: Spoken language to number of tokens.
        st: Target language to number of tokens.
        pairs: Pairs that are translated.
        input_size: Numbers per input frame; None: the model reads samples.
        train_args: Further options of `msp_train`.

    Returns:
        Name of the part to its number of parameters.

    Raises:
        OSError: If there is no such file.
        ValueError: If the configuration is not valid.
    """
    import torch

    from espnet_soups.task.checks.check_recipe import count_parameters, parse_trial_options
    from espnet_soups.task.msp_task import MSPTask

    words = ["--trainer", "default"]
    words += [] if input_size is None else ["--input_size", str(input_size)]
    if pairs:
        words += ["--st_pairs", *pairs]
    args = parse_trial_options(config, [*words, *train_args])
    args.asr_token_list = {name: token_list(size) for name, size in asr.items()}
    args.st_token_list = {name: token_list(size) for name, size in st.items()}
    args.trainer_conf = {}
    MSPTask.check_required_command_args(args)
    with torch.device("meta"):
        return count_parameters(MSPTask.build_model(args))


def token_list(size: int) -> list[str]:
    """Return a token list of a given size.

    Args:
        size: Number of tokens, 3 or more.
    """
    return ["<blank>", "<unk>", *(f"t{number}" for number in range(size - 3)), "<sos/eos>"]


if __name__ == "__main__":
    run_command(main)
