"""Token lists as vocabularies of a run: where they lie, what they are made from, who names them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet_soups.objectives.kind import Vocabulary


def token_folder(
    kind: str, language: str, run: Mapping[str, str], tokens: str | None = None
) -> Path:
    """Return where a token list lies.

    A language may be recognised and translated into: what is said and what is written have a list
    each. Runs with other speeds have lists of their own: a list must not change under a trained
    model.

    Args:
        kind: Name of the kind.
        language: The language of the texts.
        run: The options of `run.sh`.
        tokens: What the folder says of the tokens; None: as the options have it.
    """
    if tokens is None:
        tokens = run[f"{kind}_token_type"]
        tokens = "char" if tokens == "char" else f"bpe_{run['bpemode']}{run[f'{kind}_nbpe']}"
    return Path(run["datadir"]) / f"{language}_token_list" / f"{kind}_{tokens}{run['speeds']}"


@dataclass(frozen=True)
class TokenList:
    """How the token list of a language is made.

    Attributes:
        kind: Name of the kind, which its options begin with.
        owner: The language in these options.
        spoken: The language of the utterances that it is made of; None: all.
        label_file: File of the texts.
        folder: Where it lies.
        token_type: `char` or `bpe`.
        bpemode: Of sentencepiece.
        nbpe: Its units.
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
        """Return it as a vocabulary of the run."""
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
