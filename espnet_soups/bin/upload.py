"""Upload a bundle to the Hugging Face hub."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import program, run_command


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("upload"),
        description="Uploads a bundle to the Hugging Face hub; call `hf auth login` first."
        " Others use it by its name: --model organisation/model.",
    )
    parser.add_argument("bundle", type=Path, help="The file that `espnet-soups pack` wrote")
    parser.add_argument("name", help="organisation/model; it is created if missing")
    parser.add_argument("--private", action="store_true", help="Make a new one private")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Upload the bundle, and print its address; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.
    """
    options = get_parser().parse_args(arguments)
    from espnet_soups.sharing.upload import upload_bundle

    print(upload_bundle(options.bundle, options.name, options.private))


if __name__ == "__main__":
    run_command(main)
