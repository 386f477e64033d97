"""Make the step of a stock ESPnet model that a user might train instead (st_train)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from espnet2.tasks.st import STTask
from torch import Tensor
from torch.nn import Parameter

from tools.benchmark.batches import draw_batches
from tools.benchmark.modes import StepMode, make_tokens
from tools.benchmark.spec import BenchSpec

MODEL = ("input_size", "encoder", "encoder_conf", "optim", "optim_conf")  # as in the soup
CTC_SHARE = 0.3  # of recognition in the loss


class StockStep(StepMode):
    """Step of ESPnet's translation model on the same utterances: one decoder and CTC for all.

    Each utterance has a translation and a transcript. If the soup's mini-batch has no translation,
    the transcript replaces it, cut to its length.
    """

    share_apart = 0.0

    def __init__(self, spec: BenchSpec, options: Mapping[str, Any], device: str = "cpu") -> None:
        torch.manual_seed(0)
        self.model, self.optimizer = build_stock(spec)
        self.model.to(device)
        width = int(spec.model["input_size"])
        drawn = [stock_batch(batch) for batch in draw_batches(spec.batch, width)]
        self.batches = [{key: value.to(device) for key, value in one.items()} for one in drawn]
        self.updates = 0

    def set_gradients(self, batches: Sequence[dict[str, Tensor]]) -> None:
        """Run forward and backward once.

        Args:
            batches: The mini-batch of the update.
        """
        self.model(**batches[0])[0].backward()

    def measured_parameters(self) -> Sequence[Parameter]:
        """Return an empty list: nothing is measured."""
        return []

    def rows_mib(self) -> float:
        """Return 0: there are no rows."""
        return 0.0


def build_stock(spec: BenchSpec) -> tuple[Any, torch.optim.Optimizer]:
    """Build ESPnet's model and optimiser with the encoder and the decoder of a configuration.

    Args:
        spec: The configuration.
    """
    args = STTask.get_parser().parse_args(["--output_dir", "benchmark"])
    for name in MODEL:
        if name in spec.model:
            setattr(args, name, spec.model[name])
    args.decoder, args.decoder_conf = "transformer", dict(spec.model.get("st_decoder_conf", {}))
    args.token_list = make_tokens(max(spec.batch.st_vocabulary, spec.batch.asr_vocabulary))
    args.src_token_list = make_tokens(spec.batch.asr_vocabulary)
    args.normalize = None
    args.model_conf = {"asr_weight": CTC_SHARE, "mtlalpha": 1.0, "lsm_weight": 0.1}
    model = STTask.build_model(args).train()
    return model, STTask.build_optimizers(args, model)[0]


def stock_batch(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the arguments of ESPnet's model for a mini-batch of the soup.

    Args:
        batch: The mini-batch of the soup, padded tensors by name.
    """
    names = [name for name in batch if name.startswith("text_") and not name.endswith("_lengths")]
    text, lengths = batch["text"].clone(), batch["text_lengths"].clone()
    longest = max((int(batch[f"{name}_lengths"].max()) for name in names), default=text.size(1))
    text, lengths = text[:, :longest], lengths.clamp(max=longest)
    for name in names:
        rows = batch[name][:, 0] >= 0
        own = torch.nn.functional.pad(batch[name], (0, longest - batch[name].size(1)), value=-1)
        text[rows], lengths[rows] = own[rows], batch[f"{name}_lengths"][rows]
    return {
        "speech": batch["speech"],
        "speech_lengths": batch["speech_lengths"],
        "text": text,
        "text_lengths": lengths,
        "src_text": batch["text"],
        "src_text_lengths": batch["text_lengths"],
    }
