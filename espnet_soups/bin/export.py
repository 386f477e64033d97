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
The configuration names files of DIR by absolute path: export again rather than move it.
"""


def get_parser() -> argparse.ArgumentParser:
    """Build the parser."""
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
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Export; see `get_parser`."""
    args = get_parser().parse_args(arguments)
    from espnet_soups.inference.export import export_objective

    path = export_objective(
        args.exp_dir, args.objective, args.output_dir, args.model_file, args.own_kinds
    )
    print(f"{args.objective} -> {path}")


if __name__ == "__main__":
    run_command(main)
