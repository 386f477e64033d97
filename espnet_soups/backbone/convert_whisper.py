"""Convert Whisper from the format of CTranslate2 into a folder of Hugging Face transformers."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from espnet_soups.backbone.ctranslate2 import StoredModel, read_model
from espnet_soups.backbone.hub import import_transformers
from espnet_soups.backbone.whisper_tensors import WhisperTensors
from espnet_soups.files import read_json, write_json

KIND = "WhisperSpec"
MODEL, CONFIG, TOKENIZER = "model.bin", "config.json", "tokenizer.json"
MULTILINGUAL = 51865  # the least number of tokens of a multilingual model
END = "<|endoftext|>"
TOKENIZER_SETTINGS = {
    "tokenizer_class": "WhisperTokenizer",
    **{f"{name}_token": END for name in ("bos", "eos", "pad", "unk")},
    "add_prefix_space": False,
    "model_max_length": 1024,
}
SHAPE = {
    "alignment_heads?": list[list[int]],
    "suppress_ids?": list[int],
    "suppress_ids_begin?": list[int],
}


def convert_whisper(folder: Path, output_dir: Path) -> Path:
    """Write a Whisper model of CTranslate2 as a folder that transformers loads by its path.

    Args:
        folder: Folder with `model.bin`, `config.json` and `tokenizer.json`.
        output_dir: Folder to write: weights, configuration, settings of `generate`, tokenizer and
            feature extractor. It must not exist, or be empty.

    Returns:
        `output_dir`.

    Raises:
        OSError: If a file is missing or cannot be written.
        ValueError: If the model is no Whisper, is quantised, or lacks a tensor; if transformers is
            not installed.
    """
    library = import_transformers()
    library.utils.logging.disable_progress_bar()
    for name in (MODEL, CONFIG, TOKENIZER):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder} has no {name}: give the folder of a Whisper model of CTranslate2, with"
                f" {MODEL}, {CONFIG} and {TOKENIZER}."
            )
    if output_dir.exists() and any(output_dir.iterdir()):
        raise FileExistsError(f"{output_dir} is not empty: remove it, or give another folder.")
    path = folder / MODEL
    settings = read_json(folder / CONFIG, "CTranslate2's converter", SHAPE)
    stored = read_model(path)
    check_kind(stored, path)
    added = _added_tokens(folder / TOKENIZER)
    config = library.WhisperConfig(**architecture_of(stored, path, settings, added))
    tensors = WhisperTensors(stored.tensors, path).all_of(config)
    model = library.WhisperForConditionalGeneration(config)
    lost = model.load_state_dict(tensors, strict=False)
    missing = [name for name in lost.missing_keys if name != "proj_out.weight"]  # the embeddings'
    if missing or lost.unexpected_keys:
        raise ValueError(f"{path} does not fit Whisper: {[*missing, *lost.unexpected_keys]}.")
    model.generation_config = library.GenerationConfig(**generation_of(config, settings, added))
    output_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output_dir.parent) as temporary:
        made = Path(temporary) / output_dir.name
        library.WhisperFeatureExtractor(feature_size=config.num_mel_bins).save_pretrained(made)
        model.save_pretrained(made)
        shutil.copyfile(folder / TOKENIZER, made / TOKENIZER)
        write_json(made / "tokenizer_config.json", TOKENIZER_SETTINGS)
        os.replace(made, output_dir)  # it appears whole or not at all
    return output_dir


def check_kind(stored: StoredModel, path: Path) -> None:
    """Refuse a model that is not Whisper, or whose weights are whole numbers.

    Args:
        stored: The model.
        path: Its file, for the message.

    Raises:
        ValueError: If it is.
    """
    if stored.kind != KIND:
        raise ValueError(f"{path} is a {stored.kind}, but only {KIND} can be converted.")
    quantised = [name for name in stored.tensors if name.endswith("weight_scale")]
    if quantised:
        raise ValueError(
            f"{path} holds whole numbers instead of weights (see {quantised[0]}), which cannot be"
            " trained: take the model in float16 or float32."
        )


def architecture_of(
    stored: StoredModel, path: Path, settings: Mapping[str, Any], added: Mapping[str, int]
) -> dict[str, Any]:
    """Return the settings of transformers' `WhisperConfig`, read from the shapes of a model.

    Args:
        stored: The model.
        path: Its file, for messages.
        settings: CTranslate2's `config.json`.
        added: Ids of the special tokens by name.

    Raises:
        ValueError: If a tensor or a special token is missing.
    """
    tensors = WhisperTensors(stored.tensors, path)
    vocabulary, width = tensors["decoder/embeddings/weight"].shape
    end = _id(added, END)
    sides = {}
    for side in ("encoder", "decoder"):
        ffn = tensors[f"{side}/layer_0/ffn/linear_0/weight"]
        sides[f"{side}_layers"] = tensors.layers(side)
        sides[f"{side}_attention_heads"] = int(tensors[f"{side}/num_heads"])
        sides[f"{side}_ffn_dim"] = ffn.size(0)
    return {
        **sides,
        "vocab_size": vocabulary,
        "d_model": width,
        "num_mel_bins": tensors["encoder/conv1/weight"].size(1),
        "max_source_positions": tensors["encoder/position_encodings/encodings"].size(0),
        "max_target_positions": tensors["decoder/position_encodings/encodings"].size(0),
        "decoder_start_token_id": _id(added, "<|startoftranscript|>"),
        "eos_token_id": end,
        "bos_token_id": end,
        "pad_token_id": end,
        "begin_suppress_tokens": settings.get("suppress_ids_begin"),
    }


def generation_of(
    config: Any, settings: Mapping[str, Any], added: Mapping[str, int]
) -> dict[str, Any]:
    """Return the settings of transformers' `generate`: what OpenAI's own decoding suppresses.

    Args:
        config: transformers' configuration.
        settings: CTranslate2's `config.json`.
        added: Ids of the special tokens by name.

    Raises:
        ValueError: If a special token is missing.
    """
    found = {
        "suppress_tokens": settings.get("suppress_ids"),
        "begin_suppress_tokens": config.begin_suppress_tokens,
        "alignment_heads": settings.get("alignment_heads"),
        "decoder_start_token_id": config.decoder_start_token_id,
        "eos_token_id": config.eos_token_id,
        "bos_token_id": config.bos_token_id,
        "pad_token_id": config.pad_token_id,
        "no_timestamps_token_id": _id(added, "<|notimestamps|>"),
        "prev_sot_token_id": _id(added, "<|startofprev|>"),
        "return_timestamps": False,
        "max_initial_timestamp_index": 50,  # one second
        "max_length": config.max_target_positions,
        "is_multilingual": config.vocab_size >= MULTILINGUAL,
    }
    if found["is_multilingual"]:
        tasks = {name: _id(added, f"<|{name}|>") for name in ("transcribe", "translate")}
        languages = {
            name: number for name, number in added.items() if number in settings.get("lang_ids", ())
        }
        found |= {"task_to_id": tasks, "lang_to_id": languages}
    return {name: value for name, value in found.items() if value is not None}


def _added_tokens(path: Path) -> dict[str, int]:
    content = read_json(path, "transformers", {"added_tokens": list})
    try:
        return {token["content"]: int(token["id"]) for token in content["added_tokens"]}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: each of `added_tokens` must have `content` and `id`.") from error


def _id(added: Mapping[str, int], token: str) -> int:
    if token not in added:
        raise ValueError(f"{TOKENIZER} has no token {token}: it is not the one of Whisper.")
    return added[token]
