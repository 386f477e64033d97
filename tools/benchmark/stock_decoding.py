"""Decoding with stock ESPnet: exported objectives, one utterance after another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from espnet_soups.data.speech_source import SpeechSource
from espnet_soups.inference.export import export_objective
from espnet_soups.objectives.objective import Objective


class StockDecoding:
    """Decoding of some objectives with `espnet2.bin.asr_inference` or `st_inference`.

    Args:
        exp_dir: The folder that training wrote.
        folder: Folder for the exported models, from which ESPnet reads while it decodes.
        objectives: Recognitions, or translations.
        beam_size: Hypotheses that the search keeps.
        ctc_weight: Share of CTC.

    Raises:
        OSError: If a file is missing.
        ValueError: If an objective has no stock model.
    """

    def __init__(
        self,
        exp_dir: Path,
        folder: Path,
        objectives: Sequence[Objective],
        beam_size: int,
        ctc_weight: float,
    ) -> None:
        self.models: dict[Objective, Any] = {}
        for objective in objectives:
            model = export_objective(exp_dir, objective.name, folder / objective.name)
            self.models[objective] = inference_class(objective)(
                model.parent / "config.yaml", model, beam_size=beam_size, ctc_weight=ctc_weight
            )

    def __call__(self, source: SpeechSource, spoken: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Decode utterances by the objectives of their language.

        Args:
            source: The speech, as the model reads it.
            spoken: Language to utterance ids.

        Returns:
            "objective utterance" to text.
        """
        return {
            f"{objective.name} {key}": model(np.array(source.read(key)))[0][0]
            for objective, model in self.models.items()
            for key in spoken[objective.language]
        }


def inference_class(objective: Objective) -> Any:
    """Return ESPnet's class that decodes a recognition or a translation.

    Args:
        objective: The objective.
    """
    if objective.kind == "asr":
        from espnet2.bin.asr_inference import Speech2Text as Recognition

        return Recognition
    from espnet2.bin.st_inference import Speech2Text as Translation

    return Translation
