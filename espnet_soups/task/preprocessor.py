"""Text to token ids, language names to indices; audio passes as it is."""

import argparse
from collections.abc import Mapping, Sequence

import numpy as np
from espnet2.text.build_tokenizer import build_tokenizer
from espnet2.text.token_id_converter import TokenIDConverter
from espnet2.train.preprocessor import AbsPreprocessor

from espnet_soups.data.label_text import clean_label
from espnet_soups.network.batch import ABSENT
from espnet_soups.task.interpret import inline_token_lists, languages_of

NO_LABEL = "<na>"


class MSPPreprocessor(AbsPreprocessor):
    """Prepares one utterance.

    Args:
        train: Whether it is for training; ESPnet asks for it.
        languages: The languages; their positions are the indices.
        asr_tokens: Token list of each recognised language.
        st_tokens: Token list of each language that is translated into.
        asr_token_type: `char` or `bpe`.
        st_token_type: `char` or `bpe`.
        asr_bpemodel: Sentencepiece model of each recognised language, for `bpe`.
        st_bpemodel: Sentencepiece model of each target language, for `bpe`.
    """

    def __init__(
        self,
        train: bool,
        languages: Sequence[str],
        asr_tokens: Mapping[str, Sequence[str]],
        st_tokens: Mapping[str, Sequence[str]],
        asr_token_type: str,
        st_token_type: str,
        asr_bpemodel: Mapping[str, str],
        st_bpemodel: Mapping[str, str],
    ) -> None:
        super().__init__(train)
        self.languages = list(languages)
        self.asr = {
            language: TextToIds(tokens, asr_token_type, asr_bpemodel.get(language))
            for language, tokens in asr_tokens.items()
        }
        self.st = {
            language: TextToIds(tokens, st_token_type, st_bpemodel.get(language))
            for language, tokens in st_tokens.items()
        }

    def __call__(self, uid: str, data: dict[str, str | np.ndarray]) -> dict[str, np.ndarray]:
        """Prepares an utterance.

        Args:
            uid: Utterance id.
            data: `speech`, `lang`, `text` and `text_<target>`, each where it is there.

        Returns:
            The same names: `lang` as an index [1], labels as token ids; an absent label
            (`<na>`, or a language without recognition) is the one id -1.

        Raises:
            ValueError: If the language is unknown or a label is empty.
        """
        prepared: dict[str, np.ndarray] = {}
        language = data.get("lang")
        for name, value in data.items():
            if isinstance(value, np.ndarray):
                prepared[name] = value
            elif name == "lang":
                prepared[name] = np.array([self._index(uid, value)], dtype=np.int64)
            elif name == "text":
                prepared[name] = self._ids(uid, name, value, self.asr.get(str(language)))
            else:
                prepared[name] = self._ids(uid, name, value, self.st.get(name[len("text_") :]))
        return prepared

    def _index(self, uid: str, language: str) -> int:
        if language not in self.languages:
            raise ValueError(
                f"Utterance {uid} has language {language!r}, but the model has {self.languages}."
            )
        return self.languages.index(language)

    def _ids(self, uid: str, name: str, text: str, to_ids: "TextToIds | None") -> np.ndarray:
        if to_ids is None or text == NO_LABEL:
            return np.array([ABSENT], dtype=np.int64)
        ids = to_ids(text)
        if not ids:
            raise ValueError(
                f"Utterance {uid} has an empty label in `{name}`: write `{NO_LABEL}` where there"
                " is none."
            )
        return np.array(ids, dtype=np.int64)


class TextToIds:
    """Cuts a label into tokens and gives their ids.

    Args:
        tokens: The token list.
        token_type: `char` or `bpe`.
        bpemodel: Sentencepiece model, for `bpe`.
    """

    def __init__(self, tokens: Sequence[str], token_type: str, bpemodel: str | None) -> None:
        self.tokenizer = build_tokenizer(token_type=token_type, bpemodel=bpemodel)
        self.converter = TokenIDConverter(token_list=list(tokens), unk_symbol="<unk>")

    def __call__(self, text: str) -> list[int]:
        """Return the ids of a label in its normal form."""
        return self.converter.tokens2ids(self.tokenizer.text2tokens(clean_label(text)))


def build_preprocessor(args: argparse.Namespace, train: bool) -> MSPPreprocessor:
    """Build the preprocessor that the options ask for; token lists are read into the options."""
    inline_token_lists(args)
    return MSPPreprocessor(
        train=train,
        languages=languages_of(args),
        asr_tokens=args.asr_token_list,
        st_tokens=args.st_token_list,
        asr_token_type=args.asr_token_type,
        st_token_type=args.st_token_type,
        asr_bpemodel=args.asr_bpemodel,
        st_bpemodel=args.st_bpemodel,
    )
