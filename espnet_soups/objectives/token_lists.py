"""Token lists as vocabularies of a run: their folders, sources and options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.objectives.kind import Vocabulary
from espnet_soups.objectives.language_codes import first_part


def token_mode(kind: str, language: str, run: Mapping[str, str]) -> str:
    """Return the kind of sentencepiece model of a language: unigram, bpe or char.

    Args:
        kind: Name of the kind of objectives, whose option `<kind>_char_langs` names languages in
            single characters, with or without their region.
        language: The language of the texts.
        run: The options of `run.sh`.
    """
    single = run[f"{kind}_char_langs"].split()
    return run["bpemode"] if {language, first_part(language)}.isdisjoint(single) else "char"


def token_folder(kind: str, language: str, run: Mapping[str, str]) -> Path:
    """Return the folder of a token list.

    A language may be recognised and also be the target of translation: transcripts and translations
    have separate lists. Runs with other speeds have their own lists, as a list must not change
    under a trained model.

    Args:
        kind: Name of the kind.
        language: The language of the texts.
        run: The options of `run.sh`.
    """
    tokens = run[f"{kind}_token_type"]
    if tokens == "bpe":
        mode = token_mode(kind, language, run)
        tokens += f"_{mode}" if mode == "char" else f"_{mode}{run[f'{kind}_nbpe']}"
    return Path(run["datadir"]) / f"{language}_token_list" / f"{kind}_{tokens}{run['speeds']}"


@dataclass(frozen=True)
class TokenList:
    """Source and settings of the token list of a language.

    Attributes:
        kind: Name of the kind, with which its options begin.
        owner: The language in these options.
        spoken: Language of the utterances whose texts are used; None for all.
        label_file: File of the texts.
        folder: Folder of the list.
        token_type: `char` or `bpe`.
        bpemode: Model type of sentencepiece.
        nbpe: Number of sentencepiece units.
    """

    kind: str
    owner: str
    spoken: str | None
    label_file: str
    folder: Path
    token_type: str
    bpemode: str
    nbpe: int

    def vocabulary(self) -> Vocabulary:
        """Return the list as a vocabulary of the run."""
        words = [f"--{self.kind}_token_list", f"{self.owner}={self.folder / 'tokens.txt'}"]
        if self.token_type == "bpe":
            words += [f"--{self.kind}_bpemodel", f"{self.owner}={self.folder / 'bpe.model'}"]
        return Vocabulary(self.folder, tuple(words), self._make)

    def _make(self, train: Path, others: Sequence[Path]) -> tuple[str, list[str]]:
        from espnet_soups.data.token_list import make_token_list

        return make_token_list(
            train,
            others,
            self.label_file,
            self.spoken,
            self.folder,
            self.token_type,
            self.bpemode,
            self.nbpe,
        )
