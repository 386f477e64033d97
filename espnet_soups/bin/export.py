"""Export one objective as a stock ESPnet model."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.command import program, run_command
from espnet_soups.bin.own_kinds import add_own_kinds

EPILOG = """The result is decoded by ESPnet itself:
  espnet2.bin.asr_inference.Speech2Text("DIR/config.yaml", "DIR/model.pth", ctc_weight=1.0)
  espnet2.bin.st_inference.Speech2Text("DIR/config.yaml", "DIR/model.pth")
With the same options texts are those of our translation and of asr_method ctc_prefix (there
ctc_weight=1.0) and hybrid. ESPnet's inference has no greedy CTC, the recipes' ctc_greedy; it is
  encoded, _ = stock.asr_model.encode(speech[None], torch.tensor([len(speech)]))
  ids = stock.asr_model.ctc.argmax(encoded)[0].unique_consecutive()
  tokens = stock.converter.ids2tokens(ids[ids != 0]); text = stock.tokenizer.tokens2text(tokens)
A model that was trained on filterbank features takes features there, too, not samples.
The configuration names files of DIR by absolute path: export again rather than move it, or hand on
the file of --pack, which opens anywhere:
  espnet.load("asr_fr.zip", task="asr")
"""


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog=program("export"),
        description="Writes the encoder and the head of one objective as a stock ESPnet model.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--exp_dir", type=Path, required=True, help="Folder that training wrote")
    add(
        "--objective",
        required=True,
        help="Such as asr_fr; any other word, such as `list`, is refused with the names that can be"
        " exported",
    )
    add("--model_file", help="File of that folder, or a path (default: valid.acc.ave.pth ...)")
    add_own_kinds(parser, "the model")
    add("--output_dir", type=Path, required=True, help="Folder to write to")
    add("--pack", type=Path, metavar="FILE.zip", help="Pack the folder into one file, too")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Export an objective; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option is not valid, or ESPnet has no model of this kind.
        OSError: If a file is missing or cannot be written.
    """
    args = get_parser().parse_args(arguments)
    task = args.objective.partition("_")[0]
    if args.pack is not None and (task not in ("asr", "st") or args.pack.suffix != ".zip"):
        raise ValueError(
            f"`--pack` writes recognition (asr_…) or translation (st_…) into a file that ends in"
            f" .zip, but got --objective {args.objective} --pack {args.pack}."
        )
    from espnet_soups.inference.export import export_objective

    path = export_objective(
        args.exp_dir, args.objective, args.output_dir, args.model_file, args.own_kinds
    )
    print(f"{args.objective} -> {path}")
    if args.pack is not None:
        from espnet_soups.sharing.espnet_pack import pack_export

        pack_export(path.parent, task, args.pack)
        print(f"{args.objective} -> {args.pack}")


if __name__ == "__main__":
    run_command(main)
