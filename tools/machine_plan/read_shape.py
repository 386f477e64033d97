"""Read the shape of a model from its training configuration."""

from collections.abc import Mapping
from typing import Any

from tools.machine_plan.backbones import FRAMES_PER_SECOND, find_backbone
from tools.machine_plan.corpus_sizes import CorpusSize
from tools.machine_plan.shapes import CONFORMER, E_BRANCHFORMER, TRANSFORMER, ModelShape


def read_shape(
    config: Mapping[str, Any], counts: Mapping[str, int], corpus: CorpusSize
) -> ModelShape:
    """Return the shape of a configuration.

    Args:
        config: Training configuration.
        counts: Its parameters by part, from `count_parameters`.
        corpus: Languages and vocabularies.

    Raises:
        ValueError: If the encoder is none that the plan knows.
    """
    backbone = find_backbone(config)
    kind = config.get("encoder")
    if backbone is None and kind not in (CONFORMER, E_BRANCHFORMER):
        raise ValueError(
            "The plan knows `encoder: conformer`, e_branchformer, wav2vec2_hf and whisper_hf, but"
            f" the configuration has {kind!r}: its FLOPs and memory would be guesses."
        )
    heads = _read_heads(config.get("st_decoder_conf") or {}, counts, corpus)
    if backbone is not None:
        return ModelShape(
            blocks=backbone.blocks,
            width=backbone.width,
            inner=backbone.inner,
            heads=backbone.heads,
            frames_per_second=FRAMES_PER_SECOND,
            kind=TRANSFORMER,
            input_flops=backbone.input_flops,
            **heads,
        )
    encoder = config["encoder_conf"]
    return ModelShape(
        blocks=encoder["num_blocks"],
        width=encoder["output_size"],
        inner=encoder["linear_units"],
        heads=encoder["attention_heads"],
        kind=str(kind),
        gated=encoder.get("cgmlp_linear_units", 2048),  # ESPnet's default
        feed_forwards=(1 + bool(encoder.get("macaron_ffn"))) * bool(encoder.get("use_ffn")),
        **heads,
    )


def _read_heads(
    decoder: Mapping[str, Any], counts: Mapping[str, int], corpus: CorpusSize
) -> dict[str, Any]:
    return {
        "encoder": counts["encoder"],
        "asr": counts.get("asr heads", 0),
        "st": counts.get("st heads", 0),
        "decoder_blocks": decoder.get("num_blocks", 0),
        "decoder_inner": decoder.get("linear_units", 0),
        "languages": len(corpus.languages),
        "pairs": len(corpus.pairs),
        "asr_vocabulary": max(size.vocabulary for size in corpus.languages.values()),
        "st_vocabulary": corpus.target_vocabulary,
    }
