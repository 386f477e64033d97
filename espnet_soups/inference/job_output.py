"""Write the results of a decoding job: ESPnet's files per objective, and the speed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from espnet_soups.data.ark import write_arrays
from espnet_soups.files import write_table, write_text
from espnet_soups.objectives.decoding.result import Hypothesis

LENGTHENED = "Utterances too short for the encoder, lengthened at their end"
FILES = ("text", "token", "token_int", "score")


@dataclass(frozen=True)
class Speed:
    """Duration of a decoding.

    Attributes:
        audio_seconds: Length of the decoded speech; None: unknown.
        decode_seconds: Time of reading, encoding and searching, without loading the model.
        utterances: Number of utterances.
        lengthened: Number of those that were lengthened, since the encoder takes none as short.
    """

    audio_seconds: float | None
    decode_seconds: float
    utterances: int
    lengthened: int = 0

    @property
    def rtf(self) -> float | None:
        """Real-time factor: seconds of decoding per second of speech; None: unknown."""
        return self.decode_seconds / self.audio_seconds if self.audio_seconds else None

    def write(self, path: Path) -> None:
        """Write the speed as JSON.

        Args:
            path: The file; its folder is made if missing.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({**asdict(self), "rtf": self.rtf}) + "\n")


def write_hypotheses(
    output_dir: Path, nbest: int, found: Mapping[str, Mapping[str, tuple[Hypothesis, ...]]]
) -> None:
    """Write `<objective>/<n>best_recog/{text,token,token_int,score}`, each whole or not at all.

    Hypotheses that are numbers are in `array.ark` and `array.scp`.

    Args:
        output_dir: Folder of the job.
        nbest: How many of the best to write; if a search found fewer, the rank lacks the key.
        found: Objective to utterance id to hypotheses, best first.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    for objective, hypotheses in found.items():
        for rank in range(nbest):
            ranked = {key: value[rank] for key, value in hypotheses.items() if rank < len(value)}
            folder = output_dir / objective / f"{rank + 1}best_recog"
            columns = {
                "text": {key: value.text for key, value in ranked.items()},
                "token": {key: " ".join(value.tokens) for key, value in ranked.items()},
                "token_int": {
                    key: " ".join(map(str, value.token_int)) for key, value in ranked.items()
                },
                "score": {key: f"{value.score:.6f}" for key, value in ranked.items()},
            }
            for file in FILES:
                write_table(folder / file, columns[file])
            arrays = {key: value.array for key, value in ranked.items() if value.array is not None}
            if arrays:
                write_arrays(folder, arrays)
