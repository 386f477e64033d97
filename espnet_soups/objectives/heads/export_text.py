"""Export of the head of a text to a stock ESPnet model."""

import argparse
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from espnet_soups.objectives.heads.shared_head import HeadView, inner_head
from espnet_soups.objectives.objective import Objective
from espnet_soups.objectives.stock_model import backbone_config, backbone_tensors

if TYPE_CHECKING:
    from espnet_soups.objectives.text_kind import TextKind

NO_STOCK_MODEL = (
    "{name} shares one decoder with all texts (`text_heads: shared`), which no stock ESPnet model"
    " decodes to the same text: those of ASR and ST start from one token, those of S2T read samples"
    " alone and pad them with silence to a fixed length; use espnet_soups.Speech2Text, or train"
    " with `text_heads: separate` to export."
)


def text_tensors(model: Any, objective: Objective, ctc: str) -> dict[str, Tensor]:
    """Return the tensors of a stock model by ESPnet's names.

    Args:
        model: The trained model.
        objective: The objective.
        ctc: Name of the CTC in ESPnet's model.

    Raises:
        ValueError: If the head is a shared one with CTC alone, or one for all texts.
    """
    tensors = backbone_tensors(model)
    head = model.heads[objective.name]
    inner = inner_head(head)
    if isinstance(head, HeadView) and inner.decoder is None:
        raise ValueError(
            f"{objective.name} has a shared head with CTC alone, whose language token a stock"
            " ESPnet model cannot leave out: train with `separate` heads to export."
        )
    if isinstance(head, HeadView) and len(head.prefix) > 1:
        raise ValueError(NO_STOCK_MODEL.format(name=objective.name))
    names = {"decoder": "decoder", "ctc": ctc}
    for name, tensor in inner.state_dict().items():
        part, _, rest = name.partition(".")
        if part in names:
            own = restrict(rest, tensor, head) if isinstance(head, HeadView) else tensor
            tensors[f"{names[part]}.{rest}"] = own
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def restrict(name: str, tensor: Tensor, view: HeadView) -> Tensor:
    """Return a tensor over the joint vocabulary with the rows of one objective's tokens only.

    `<sos/eos>` is embedded as the language token is, since a shared decoder starts from that.

    Args:
        name: Name of the tensor in the decoder or CTC.
        tensor: The tensor; [V, ...] if it is over the joint vocabulary, else it is returned
            unchanged.
        view: The objective's view of the head.
    """
    rows: Tensor = view.to_joint  # type: ignore[assignment]
    if tensor.dim() == 0 or tensor.size(0) != len(view.head.token_list):
        return tensor
    if name.startswith("embed"):
        rows = torch.where(rows == view.head.sos_eos, view.prefix[0], rows)
        return tensor[rows]
    return tensor[rows] if name.startswith(("output", "ctc_lo")) else tensor


def text_config(
    kind: "TextKind",
    objective: Objective,
    model: Any,
    args: argparse.Namespace,
    task: Any,
    ctc_weight: str,
) -> dict[str, Any]:
    """Return the options of a stock model: ESPnet's defaults, changed to those of the soup.

    Args:
        kind: The kind of the objective.
        objective: The objective.
        model: The trained model.
        args: The options of its training.
        task: ESPnet's task.
        ctc_weight: The task's name for the share of CTC.
    """
    options = vars(args)
    inner = inner_head(model.heads[objective.name])
    decoder = kind.option(options, "decoder")
    return backbone_config(task, args) | {
        "token_list": kind.token_list(args, objective),
        "token_type": kind.option(options, "token_type"),
        "bpemodel": kind.option(options, "bpemodel").get(kind.written(objective)),
        "decoder": None if inner.decoder is None else decoder,
        "decoder_conf": kind.option(options, "decoder_conf"),
        "model_conf": {ctc_weight: inner.ctc_weight, "lsm_weight": float(args.lsm_weight)},
    }
