"""Decode a set with stock ESPnet models; a process of its own that `tools.stock.run` starts."""

import argparse
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from espnet2.text.build_tokenizer import build_tokenizer

from espnet_soups.bin.command import run_command
from espnet_soups.data.speech_source import SpeechSource
from espnet_soups.files import read_json, read_table, write_json, write_table
from espnet_soups.objectives.decoding.decode_config import load_decode_config
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.objective_file import write_objectives
from espnet_soups.objectives.registry import kind_of

GREEDY, PREFIX = "ctc_greedy", "ctc_prefix"


class StockReader:
    """Decoding of one objective with ESPnet's own search; greedy CTC is ESPnet's own argmax.

    Args:
        task: `asr`, `st` or `s2t`.
        folder: Folder that ESPnet's training wrote.
        model_file: The model.
        objective: The objective.
        search: Options of the search of its kind.
        tokens: For `s2t`: token type and sentencepiece model of its texts, and its prompt.
    """

    def __init__(
        self,
        task: str,
        folder: Path,
        model_file: Path,
        objective: Objective,
        search: Any,
        tokens: Any,
    ) -> None:
        method = getattr(search, "asr_method", "")
        self.greedy, self.task = method == GREEDY, task
        share = search.ctc_weight if objective.kind == "asr" else search.st_ctc_weight
        options = {
            "beam_size": search.beam_size,
            "penalty": search.penalty,
            "maxlenratio": search.maxlenratio,
            "minlenratio": search.minlenratio,
            "ctc_weight": 1.0 if method == PREFIX else 0.0 if self.greedy else share,
        }
        self.stock = stock_class(task)(str(folder / "config.yaml"), str(model_file), **options)
        self.model = getattr(self.stock, f"{task}_model").eval()
        self.converter = self.stock.converter
        self.tokenizer = self.stock.tokenizer
        if task == "s2t":
            self.tokenizer = build_tokenizer(tokens["token_type"], tokens["bpemodel"])
            ids = self.converter.tokens2ids(tokens["prompt"])
            self.stock.beam_search.set_hyp_primer([self.model.sos, *ids])
            self.prompt = len(ids)

    def __call__(self, speech: np.ndarray) -> str:
        """Return the text of an utterance.

        Args:
            speech: Features, [T, D], or samples, [S].
        """
        if not self.greedy and self.task != "s2t":
            return str(self.stock(np.array(speech))[0][0])
        batch = torch.tensor(np.array(speech))[None]
        with torch.no_grad():
            encoded = self.model.encode(batch, torch.tensor([batch.size(1)]))[0]
            if self.greedy:
                return self.text_of(self.model.ctc.argmax(encoded)[0].unique_consecutive().tolist())
            best = self.stock.beam_search(
                x=encoded[0],
                maxlenratio=self.stock.maxlenratio,
                minlenratio=self.stock.minlenratio,
            )[0]
        return self.text_of(best.yseq.tolist()[1 + self.prompt :])

    def text_of(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, without blanks and ends.

        Args:
            ids: The ids.
        """
        tokens = self.converter.ids2tokens([number for number in ids if number != 0])
        return str(self.tokenizer.tokens2text([one for one in tokens if one != "<sos/eos>"]))


def stock_class(task: str) -> Any:
    """Return ESPnet's class that decodes.

    Args:
        task: `asr`, `st` or `s2t`.
    """
    if task == "s2t":
        from espnet2.bin.s2t_inference import Speech2Text as OneDecoder

        return OneDecoder
    if task == "st":
        from espnet2.bin.st_inference import Speech2Text as Translation

        return Translation
    from espnet2.bin.asr_inference import Speech2Text as Recognition

    return Recognition


def get_parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m tools.stock.decode", allow_abbrev=False)
    add = parser.add_argument
    add("--models", type=Path, required=True, help="JSON with the models")
    add("--speech", required=True, help="Such as feats.scp,speech,kaldi_ark")
    add("--fs", type=int, help="Sampling rate, Hz, where speech is samples")
    add("--utt2lang", type=Path, required=True)
    add("--config", type=Path, required=True, help="The recipe's decoding configuration")
    add("--decode_dir", type=Path, required=True, help="Folder to write to")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Decode a set; see `get_parser`.

    Args:
        arguments: Words of the command line; None: those of this process.

    Raises:
        ValueError: If an option or a file is not valid.
        OSError: If a file is missing.
    """
    args = get_parser().parse_args(arguments)
    logging.getLogger("espnet2.legacy.nets").setLevel(logging.ERROR)  # lengths that are cut off
    config = load_decode_config(args.config)
    source, spoken = SpeechSource(args.speech, args.fs), read_table(args.utt2lang)
    began, cpu, found = time.perf_counter(), time.process_time(), []
    for model in read_json(args.models, "tools.stock.run")["models"]:
        for item in model["objectives"]:
            objective = Objective(**item["objective"])
            keys = [key for key, name in spoken.items() if name == objective.language]
            if not keys:
                continue
            reader = StockReader(
                model["task"],
                Path(model["folder"]),
                Path(model["model_file"]),
                objective,
                config.of(kind_of(objective)),
                item["tokens"],
            )
            texts = {key: reader(source.read(key)) for key in keys}
            write_table(args.decode_dir / objective.name / "text", texts)
            found.append(objective)
    write_objectives(args.decode_dir / "objectives.json", found)
    write_json(
        args.decode_dir / "times.json",
        {
            "seconds": round(time.perf_counter() - began, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
        },
    )


if __name__ == "__main__":
    run_command(main)
