"""How texts are scored."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreConfig:
    """How texts are scored.

    Attributes:
        bleu_lowercase: Whether BLEU ignores case.
        bleu_tokenizer: sacrebleu's tokenizer for every target; None: by target language.
        bleu_lc_rm: Whether BLEU is also computed on lower-case texts without punctuation.
        resamples: Sets that the bootstrap draws.
        seed: Of the bootstrap.
    """

    bleu_lowercase: bool = False
    bleu_tokenizer: str | None = None
    bleu_lc_rm: bool = False
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse fewer resamples than a 95 % interval can be read from.

        Raises:
            ValueError: If `resamples` is under 100 or `seed` negative.
        """
        if self.resamples < 100:
            raise ValueError(f"`resamples` must be 100 or more, but got {self.resamples}.")
        if self.seed < 0:
            raise ValueError(f"`seed` must be 0 or more, but got {self.seed}.")
