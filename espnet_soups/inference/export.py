"""Writes one objective as a stock ESPnet model: the encoder with one head, under ESPnet's names."""

import argparse
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from espnet2.tasks.asr import ASRTask
from espnet2.tasks.st import STTask
from torch import Tensor

from espnet_soups.backbone.settings import check_exportable
from espnet_soups.files import write_text
from espnet_soups.inference.load_model import load_model
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.heads.build_heads import token_list_of
from espnet_soups.objectives.heads.shared_head import HeadView
from espnet_soups.objectives.heads.text_head import SOS_EOS, Head
from espnet_soups.objectives.objective import Objective
from espnet_soups.task.training.checkpoint import check_tensors

MODEL_FILE = "model.pth"
BACKBONE = ("frontend", "specaug", "normalize", "preencoder", "encoder")
PARTS = (*BACKBONE[:4], "encoder", "encoder_conf", "input_size", "ctc_conf")
NO_SOURCE = ["<blank>", "<unk>", SOS_EOS]  # stock ST models cannot be built without source tokens


def export_objective(
    exp_dir: Path, objective: str, output_dir: Path, model_file: str | Path | None = None
) -> Path:
    """Exports one objective.

    Args:
        exp_dir: The folder that training wrote.
        objective: Its name, `asr_fr` or `st_fr_en`.
        output_dir: Gets `config.yaml`, `model.pth` and the files that the configuration names (by
            absolute path, since ESPnet looks them up from the working directory).
        model_file: See `find_model_file`.

    Returns:
        The model file.

    Raises:
        OSError: If a file is missing or cannot be written.
        ValueError: If there is no such objective, or ESPnet has no model of its kind.
    """
    model, args = load_model(exp_dir, model_file)
    check_exportable(args)
    chosen = find_objective(model, objective)
    output_dir.mkdir(parents=True, exist_ok=True)
    tensors = stock_tensors(model, chosen)
    config = stock_config(args, chosen, model)
    _bring_files(config, output_dir)
    task = ASRTask if chosen.task == "asr" else STTask
    stock = task.build_model(argparse.Namespace(**config))
    check_tensors(tensors, stock.state_dict(), f"The export of {objective}", "This is a defect.")
    temporary = output_dir / f".{MODEL_FILE}.tmp"
    torch.save(tensors, temporary)
    os.replace(temporary, output_dir / MODEL_FILE)
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    write_text(output_dir / "config.yaml", text)
    return output_dir / MODEL_FILE


def find_objective(model: MSPModel, name: str) -> Objective:
    """Finds an objective by name.

    Raises:
        ValueError: If there is none; the message lists those that there are.
    """
    decodable = [objective for objective in model.objectives if objective.task != "ssl"]
    for objective in decodable:
        if objective.name == name:
            return objective
    names = [objective.name for objective in decodable]
    raise ValueError(f"`--objective` must be one of {names}, but got {name!r}.")


def stock_tensors(model: MSPModel, objective: Objective) -> dict[str, Tensor]:
    """Gives the tensors of the stock model by ESPnet's names.

    Raises:
        ValueError: If the head is a shared one with CTC alone.
    """
    tensors = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if name.split(".")[0] in BACKBONE
    }
    head = model.heads[objective.name]
    inner = head.head if isinstance(head, HeadView) else head
    if isinstance(head, HeadView) and inner.decoder is None:
        raise ValueError(
            f"{objective.name} has a shared head with CTC alone, whose language token a stock"
            " ESPnet model cannot leave out: train with `separate` heads to export."
        )
    prefixes = {"decoder": "decoder", "ctc": "ctc" if objective.task == "asr" else "st_ctc"}
    for name, tensor in inner.state_dict().items():
        part, _, rest = name.partition(".")
        if part in prefixes:
            own = restrict(rest, tensor, head) if isinstance(head, HeadView) else tensor
            tensors[f"{prefixes[part]}.{rest}"] = own
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def restrict(name: str, tensor: Tensor, view: HeadView) -> Tensor:
    """Takes the rows of one objective's tokens from a tensor over the joint vocabulary.

    `<sos/eos>` is embedded as the language token is, since a shared decoder starts from that.
    """
    rows: Tensor = view.to_joint  # type: ignore[assignment]
    if tensor.dim() == 0 or tensor.size(0) != len(view.head.token_list):
        return tensor
    if name.startswith("embed"):
        rows = torch.where(rows == view.head.sos_eos, view.start, rows)
        return tensor[rows]
    return tensor[rows] if name.startswith(("output", "ctc_lo")) else tensor


def stock_config(args: argparse.Namespace, objective: Objective, model: MSPModel) -> dict[str, Any]:
    """Gives the configuration of the stock model: ESPnet's defaults and what the soup had."""
    task = ASRTask if objective.task == "asr" else STTask
    config = vars(task.get_parser().parse_args([]))
    options = vars(args)
    for part in PARTS:
        for option in (part, f"{part}_conf"):
            if option in options and option in config:
                config[option] = options[option]
    prefix = objective.task
    head = model.heads[objective.name]
    inner: Head = head.head if isinstance(head, HeadView) else head  # type: ignore[assignment]
    weight = inner.ctc_weight
    config |= {
        "init": None,
        "token_list": token_list_of(args, objective),
        "token_type": options[f"{prefix}_token_type"],
        "bpemodel": options[f"{prefix}_bpemodel"].get(objective.target or objective.language),
        "decoder": None if inner.decoder is None else options[f"{prefix}_decoder"],
        "decoder_conf": options[f"{prefix}_decoder_conf"],
        "model_conf": {
            "ctc_weight" if prefix == "asr" else "st_mtlalpha": weight,
            "lsm_weight": float(args.lsm_weight),
        },
    }
    if objective.task == "st":
        source: Mapping[str, list[str]] = args.asr_token_list
        config |= {
            "src_token_list": list(source.get(objective.language, NO_SOURCE)),
            "src_token_type": options["asr_token_type"],
            "src_bpemodel": options["asr_bpemodel"].get(objective.language),
        }
        if inner.decoder is None:
            raise ValueError(
                f"{objective.name} has CTC alone, but ESPnet's ST models need an attention"
                " decoder: train with `--st_ctc_weight` below 1 to export."
            )
    return _plain(config)


def _bring_files(config: dict[str, Any], output_dir: Path) -> None:
    """Copies the files that the configuration names, and names the copies."""
    normalize = dict(config["normalize_conf"] or {})
    if "stats_file" in normalize:
        normalize["stats_file"] = _copy(normalize["stats_file"], output_dir)
    config["normalize_conf"] = normalize
    for option in ("bpemodel", "src_bpemodel"):
        if config.get(option) is not None:
            copy = _copy(config[option], output_dir, f"{option}.model")
            config[option] = copy


def _copy(file: str, output_dir: Path, name: str | None = None) -> str:
    target = output_dir.resolve() / (name or Path(file).name)
    if Path(file).resolve() != target:
        temporary = target.with_name(f".{target.name}.tmp")
        shutil.copyfile(file, temporary)
        os.replace(temporary, target)
    return str(target)


def _plain(value: Any) -> Any:
    """Gives YAML's own types: ESPnet's defaults hold tuples."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
