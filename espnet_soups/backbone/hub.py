"""Models of Hugging Face transformers: from the hub, from a folder, or with random weights."""

import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch

# Parameters that a checkpoint may lack: the vector that transformers puts on masked frames.
MAY_BE_NEW = ("masked_spec_embed",)


def import_transformers() -> Any:
    """Return the module `transformers`.

    Raises:
        ValueError: If it is not installed.
    """
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise ValueError(
            "Backbones of Hugging Face (wav2vec2_hf, whisper_hf) need transformers, which is not"
            " installed: pip install 'espnet-soups[hf]'."
        ) from error


def read_architecture(
    model: str | None, architecture: Mapping[str, Any] | None, kinds: Sequence[str]
) -> Any:
    """Read the configuration of a model.

    Args:
        model: Name on the hub, or a folder; None for random weights.
        architecture: Settings of transformers' configuration class that replace those of `model`;
            without `model`, those that differ from the class's defaults. `model_type` names the
            class (default: the first of `kinds`).
        kinds: Model types that are known, such as `["wav2vec2", "hubert"]`.

    Returns:
        transformers' configuration.

    Raises:
        ValueError: If there is no such model, it is of another type, or a setting is unknown.
    """
    settings = dict(architecture or {})
    if model is None and not settings:
        raise ValueError(
            "A backbone needs `model` (a name on the Hugging Face hub, or a folder), or"
            " `architecture` (random weights)."
        )
    library = import_transformers()
    kind = settings.pop("model_type", kinds[0])
    found = None
    if model is not None:
        try:
            found = library.AutoConfig.from_pretrained(model)
        except (OSError, ValueError) as error:
            raise _unreachable(model, error) from error
        kind = found.model_type
    if kind not in kinds:
        source = "`architecture`" if model is None else f"`model: {model}`"
        raise ValueError(f"{source} is of type {kind!r}, but must be one of {list(kinds)}.")
    defaults = library.AutoConfig.for_model(kind)
    unknown = sorted(set(settings) - set(defaults.to_dict()))
    if unknown:
        raise ValueError(f"`architecture` has {unknown}, which {type(defaults).__name__} has not.")
    invalid = importlib.import_module("huggingface_hub.errors").StrictDataclassError
    try:
        if found is None:
            return library.AutoConfig.for_model(kind, **settings)
        for name, value in settings.items():
            setattr(found, name, value)
        found.validate()
    except (invalid, TypeError) as error:
        raise ValueError(f"`architecture` is not valid: {' '.join(str(error).split())}") from error
    return found


def plain_architecture(config: Any) -> dict[str, Any]:
    """Return a complete configuration as plain values for YAML, safe from changes of defaults.

    Args:
        config: transformers' configuration.
    """
    library = import_transformers()
    general = library.PretrainedConfig().to_dict()
    known = library.AutoConfig.for_model(config.model_type).to_dict()
    values = json.loads(config.to_json_string(use_diff=False))
    kept = {
        name: value
        for name, value in values.items()
        if name in known
        and not name.startswith("_")  # where it came from, and how attention is computed
        and (name not in general or value != general[name])
    }
    for name in ("architectures", "dtype", "transformers_version", "id2label", "label2id"):
        kept.pop(name, None)
    return {"model_type": config.model_type, **kept}


def portable_settings(conf: Mapping[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    """Return the settings of a backbone, with the architecture of its `model` added.

    Args:
        conf: Its settings.
        kinds: Model types that are known.

    Raises:
        ValueError: If the model cannot be loaded.
    """
    model = conf.get("model")
    if model is None:
        return dict(conf)
    config = read_architecture(model, conf.get("architecture"), kinds)
    return {**conf, "architecture": plain_architecture(config)}


def build_backbone(model: str | None, config: Any, attention: str | None = None) -> Any:
    """Build transformers' bare model, in float32.

    Args:
        model: Name on the hub, or a folder; None for random weights.
        config: The result of `read_architecture`.
        attention: `sdpa` for PyTorch's, which takes Boolean masks; None for transformers' choice.

    Raises:
        ValueError: If the weights cannot be loaded, or are incomplete.
    """
    library = import_transformers()
    options = {} if attention is None else {"attn_implementation": attention}
    counting = torch.empty(0).device.type == "meta"  # the weights are not used
    if model is None or counting:
        return library.AutoModel.from_config(config, **options)
    broken = importlib.import_module("safetensors").SafetensorError
    try:
        built, info = library.AutoModel.from_pretrained(
            model,
            config=config,
            dtype=torch.float32,  # else that of the file, which may be half precision
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, RuntimeError, broken) as error:
        raise _unreachable(model, error) from error
    missing = sorted(name for name in info["missing_keys"] if not name.endswith(MAY_BE_NEW))
    if missing:
        raise ValueError(
            f"The weights of `model: {model}` lack {missing[0]}"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}: they are of another"
            " model."
        )
    return built


def waveform_is_normalised(model: str) -> bool:
    """Return True if a model was trained on samples of mean 0 and variance 1 per utterance.

    Args:
        model: Name on the hub, or a folder.

    Raises:
        ValueError: If its files do not tell.
    """
    library = import_transformers()
    try:
        extractor = library.Wav2Vec2FeatureExtractor.from_pretrained(model)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"`model: {model}` has no preprocessor_config.json that says whether samples are"
            " normalised: set `normalize_waveform` to true or false."
        ) from error
    return bool(extractor.do_normalize)


def _unreachable(model: str, error: Exception) -> ValueError:
    reason = " ".join(str(error).split())[:160]
    return ValueError(
        f"`model: {model}` is no folder with a model, nor in the cache of the Hugging Face hub, nor"
        f" could it be fetched: {reason}"
    )
