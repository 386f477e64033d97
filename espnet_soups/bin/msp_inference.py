"""Decode a set with all objectives of a model (stage 11)."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.bin.own_kinds import add_own_kinds
from espnet_soups.objectives.decoding.decode_config import describe_options, load_decode_config
from espnet_soups.objectives.registry import kinds_of

EPILOG = """keys of the YAML file, with their defaults
{options}

Writes <output_dir>/<objective>/<n>best_recog/{{text,token,token_int,score}} (array.ark and
array.scp too, if the result is numbers), <output_dir>/objectives.json and
<output_dir>/speed.json; `join_outputs` joins the jobs of a set.
"""


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m espnet_soups.bin.msp_inference",
        description="Decodes a set, or a job's part of it, with all objectives of a model.",
        epilog=EPILOG.format(options=describe_options()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--exp_dir", type=Path, required=True, help="Folder that training wrote")
    add(
        "--model_file",
        help="File of that folder, or a path (default: valid.acc.ave.pth, or else"
        " valid.acc.best.pth, valid.loss.ave.pth, valid.loss.best.pth)",
    )
    add("--config", type=Path, help="YAML file of decode options, see below")
    add(
        "--data_path_and_name_and_type",
        required=True,
        metavar="FILE,speech,TYPE",
        help="feats.scp,speech,kaldi_ark or wav.scp,speech,sound",
    )
    add("--utt2lang", type=Path, required=True, help="Language of each utterance")
    add("--key_file", type=Path, help="Decode the utterances of its first column only")
    add("--output_dir", type=Path, required=True, help="Folder to write to")
    add("--objectives", nargs="+", default=[], metavar="GLOB", help="Default: all")
    add_own_kinds(parser, "the model")
    add("--ngpu", type=int, default=0, help="0: CPU (default), 1: the first GPU")
    add("--num_threads", type=int, default=1, help="Threads of this job (default: 1)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Decode the set; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option, the model or the speech is not valid.
        OSError: If a file is missing.
    """
    args = get_parser().parse_args(arguments)
    if args.ngpu not in (0, 1):
        raise ValueError(f"`--ngpu` must be 0 or 1, but got {args.ngpu}.")
    if args.num_threads < 1:
        raise ValueError(f"`--num_threads` must be 1 or more, but got {args.num_threads}.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s: %(message)s")
    logging.getLogger("espnet2.legacy.nets").setLevel(logging.WARNING)  # ten lines per utterance
    import torch

    from espnet_soups.data.speech_source import SpeechSource
    from espnet_soups.inference.decode_set import decode_set, select_utterances
    from espnet_soups.inference.job_output import write_hypotheses
    from espnet_soups.inference.load_model import load_model
    from espnet_soups.inference.speech2text import Speech2Text
    from espnet_soups.inference.training_config import read_config
    from espnet_soups.objectives.objective_file import OBJECTIVES, write_objectives

    options = read_config(args.exp_dir, args.own_kinds)
    config = load_decode_config(args.config, kinds_of(vars(options)))
    torch.set_num_threads(args.num_threads)
    device = "cuda:0" if args.ngpu else "cpu"
    model, options = load_model(args.exp_dir, args.model_file, device, options)
    speech2text = Speech2Text(model, options, config, args.objectives)
    fs = None if speech2text.features is None else speech2text.features.fs
    source = SpeechSource(args.data_path_and_name_and_type, fs)
    grouped = select_utterances(speech2text, source, args.utt2lang, args.key_file)
    found, speed = decode_set(speech2text, source, grouped)
    write_hypotheses(args.output_dir, config.nbest, found)
    write_objectives(args.output_dir / OBJECTIVES, speech2text.objectives)
    speed.write(args.output_dir / "speed.json")
    rtf = "unknown" if speed.rtf is None else f"{speed.rtf:.3f}"
    logging.info(
        f"{args.output_dir}: {speed.utterances} utterances, {len(found)} objectives in"
        f" {speed.decode_seconds:.1f} s, RTF {rtf}"
    )


if __name__ == "__main__":
    from espnet_soups.bin.command import run_command

    run_command(main)
