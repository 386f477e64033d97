"""Serve a local web page on which a model is tried."""

import argparse
import errno
import sys
from collections.abc import Sequence

from espnet_soups.bin.command import program, run_command
from espnet_soups.bin.recordings import add_model_options, load_speech2text


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("demo"),
        description="Serves a web page on this machine: drop a recording or speak, and see"
        " transcript, translations, the language, and when each word was said.",
    )
    add = parser.add_argument
    add(
        "model",
        nargs="?",
        help="A folder such as exp/msp_<tag>, a bundle (model.zip), or a name on the Hugging Face"
        " hub (default: $ESPNET_SOUPS_MODEL, or the only one below exp)",
    )
    add("--port", type=int, default=7860, help="0: any that is free (default: 7860)")
    add(
        "--host",
        default="127.0.0.1",
        help="Address to listen on; 0.0.0.0 lets the network in (default: 127.0.0.1)",
    )
    add("--max_mb", type=float, default=50.0, help="Largest upload (default: 50)")
    add(
        "--max_seconds",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="Longest recording (default: 600)",
    )
    add_model_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C; see `get_parser`.

    Args:
        arguments: The options; None: those of this process.

    Raises:
        OSError: If there is no model, or the address cannot be used.
        ValueError: If an option is not valid.
    """
    options = get_parser().parse_args(arguments)
    if not 0 <= options.port < 65536:
        raise ValueError(f"`--port` must be from 0 to 65535, but got {options.port}.")
    from espnet_soups.demo.server import DemoServer, is_local
    from espnet_soups.inference.model_source import find_model

    folder = find_model(options.model)
    options.model = str(folder)
    speech2text = load_speech2text(options)
    from espnet_soups.demo.listener import Listener

    listener = Listener(speech2text, folder.name, options.longest, options.max_seconds)
    try:
        server = DemoServer(listener, options.host, options.port, round(options.max_mb * 1e6))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        way_out = "choose another by `--port`" if taken else "see `--host` and `--port`"
        raise OSError(
            f"The page cannot be served on {options.host} port {options.port}:"
            f" {error.strerror}; {way_out}."
        ) from error
    if not is_local(options.host):
        print(
            f"warning: everybody who reaches {options.host} can use this page: it has no password"
            " and no encryption, and browsers give it no microphone.",
            file=sys.stderr,
        )
    with server:
        print(f"The page is at {server.address} (Ctrl-C ends it)", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    run_command(main)
