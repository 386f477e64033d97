"""The search of texts: options of the text kinds, and the plan that follows from them."""

from dataclasses import dataclass

from espnet_soups.objectives.decoding.option import option, require_real, require_whole

ASR_METHODS = ("ctc_greedy", "ctc_prefix", "hybrid")


@dataclass(frozen=True)
class TextSearch:
    """Options of every beam search; names and meanings are ESPnet's, `help` explains them."""

    beam_size: int = option(10, "hypotheses kept by every beam search, fewer than tokens")
    penalty: float = option(0.0, "added to the score per token")
    maxlenratio: float = option(
        0.0, "longest output per frame; 0: until its end is seen; negative: tokens"
    )
    minlenratio: float = option(0.0, "shortest output per frame; negative: tokens")

    def __post_init__(self) -> None:
        """Refuse values that no search can use.

        Raises:
            ValueError: If a value has the wrong type or lies outside its range.
        """
        require_whole("beam_size", self.beam_size, 1)
        for name in ("penalty", "maxlenratio", "minlenratio"):
            require_real(name, getattr(self, name))
        if 0 < self.maxlenratio < self.minlenratio:
            raise ValueError(
                f"`minlenratio` must not be above `maxlenratio`, but {self.minlenratio} >"
                f" {self.maxlenratio}."
            )


@dataclass(frozen=True)
class RecognitionSearch(TextSearch):
    """Options of recognition."""

    asr_method: str = option(
        "ctc_greedy", "or ctc_prefix, hybrid (attention and CTC; needs a decoder)"
    )
    ctc_weight: float = option(0.3, "share of CTC in `hybrid`")

    def __post_init__(self) -> None:
        """Refuse values that no search can use; see `TextSearch`."""
        if self.asr_method not in ASR_METHODS:
            raise ValueError(
                f"`asr_method` must be one of {list(ASR_METHODS)}, but got {self.asr_method!r}."
            )
        super().__post_init__()
        require_real("ctc_weight", self.ctc_weight, share=True)


@dataclass(frozen=True)
class TranslationSearch(TextSearch):
    """Options of translation."""

    st_ctc_weight: float = option(0.0, "share of ST-CTC; heads without a decoder use 1")

    def __post_init__(self) -> None:
        """Refuse values that no search can use; see `TextSearch`."""
        super().__post_init__()
        require_real("st_ctc_weight", self.st_ctc_weight, share=True)


@dataclass(frozen=True)
class SearchPlan:
    """Plan of the search for the texts of one objective.

    Attributes:
        ctc_weight: Share of CTC, 0 to 1; the rest is the attention decoder's.
        greedy: Whether the best class of every frame is taken, without a search.
        window_margin: Frames around a prefix that CTC reads; 0 for all. ESPnet's own inference uses
            100 for recognition and 0 for translation.
    """

    ctc_weight: float
    greedy: bool = False
    window_margin: int = 0
