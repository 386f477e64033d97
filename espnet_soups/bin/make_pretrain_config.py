"""Write the configuration of pre-training (stage 7), and print the options of `ssl` for stage 9."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.make_pretrain_config", description=__doc__
    )
    parser.add_argument("--train_config", type=Path, required=True, help="YAML of stage 9")
    parser.add_argument("--pretrain_config", type=Path, required=True, help="YAML of stage 7")
    parser.add_argument("--ssl", required=True, choices=["cpc", "best_rq"])
    parser.add_argument("--output", type=Path, required=True, help="The file to write")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file unless it is up to date; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    import yaml

    from espnet_soups.files import write_text
    from espnet_soups.objectives.self_supervision.pretrain_config import (
        make_pretrain_config,
        ssl_settings,
    )

    config = make_pretrain_config(options.train_config, options.pretrain_config, options.ssl)
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    if not options.output.exists() or options.output.read_bytes() != text.encode():
        options.output.parent.mkdir(parents=True, exist_ok=True)
        write_text(options.output, text)
    print(f"--ssl\n{options.ssl}")
    for name, value in ssl_settings(options.train_config, config).items():
        print(f"--ssl_conf\n{name}={value}")


if __name__ == "__main__":
    run_command(main)
