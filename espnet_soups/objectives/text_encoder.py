"""Encoding of texts to token ids."""

from collections.abc import Sequence

import numpy as np
from espnet2.text.build_tokenizer import build_tokenizer
from espnet2.text.token_id_converter import TokenIDConverter
from numpy.typing import NDArray

from espnet_soups.data.label_text import clean_label


class TextEncoder:
    """Encoder that splits a label into tokens and looks up their ids.

    Args:
        tokens: The token list.
        token_type: `char` or `bpe`.
        bpemodel: Sentencepiece model, for `bpe`.
    """

    def __init__(self, tokens: Sequence[str], token_type: str, bpemodel: str | None) -> None:
        self.tokenizer = build_tokenizer(token_type=token_type, bpemodel=bpemodel)
        self.converter = TokenIDConverter(token_list=list(tokens), unk_symbol="<unk>")

    def __call__(self, text: str) -> NDArray[np.int64]:
        """Return the token ids of a label, brought into its normal form, [L].

        Args:
            text: The label.
        """
        tokens = self.tokenizer.text2tokens(clean_label(text))
        return np.array(self.converter.tokens2ids(tokens), dtype=np.int64)
