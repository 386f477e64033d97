"""Settings of scoring."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScoreConfig:
    """Settings of scoring.

    Attributes:
        bleu_lowercase: Whether BLEU ignores case.
        bleu_tokenizer: sacrebleu's tokenizer for every target; None to choose by target language.
        bleu_lc_rm: Whether BLEU is also computed on lower-case texts without punctuation.
        resamples: Number of sets that the bootstrap draws.
        seed: Seed of the bootstrap.
    """

    bleu_lowercase: bool = False
    bleu_tokenizer: str | None = None
    bleu_lc_rm: bool = False
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse too few resamples for a 95 % interval.

        Raises:
            ValueError: If `resamples` is under 100 or `seed` negative.
        """
        if self.resamples < 100:
            raise ValueError(f"`resamples` must be 100 or more, but got {self.resamples}.")
        if self.seed < 0:
            raise ValueError(f"`seed` must be 0 or more, but got {self.seed}.")
