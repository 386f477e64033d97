"""Whisper's decoder of Hugging Face transformers as the head of an objective."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from espnet2.asr.decoder.abs_decoder import AbsDecoder
from espnet2.legacy.nets.scorer_interface import BatchScorerInterface
from torch import Tensor
from torch.nn.functional import dropout

from espnet_soups.backbone.hub import build_backbone, portable_settings, read_architecture
from espnet_soups.backbone.whisper import inside

IMPOSSIBLE = -1e10  # ESPnet's log zero


class WhisperDecoder(AbsDecoder, BatchScorerInterface):
    """Decoder of the tokens of an objective with Whisper's Transformer layers.

    The tokens are the objective's own, so its embeddings, which are also the output layer, are new:
    drawn with the mean and spread of Whisper's. Attention to the speech leaves padding out. A
    search computes each prefix anew; a prefix at the last position that Whisper has must end.

    Args:
        vocab_size: Number of tokens; the last one ends a text.
        encoder_output_size: Dimension of the encoded speech; a linear layer adapts it if it
            differs.
        model: Name on the Hugging Face hub, or a folder; None for random weights.
        architecture: Settings of transformers' `WhisperConfig`, as those of the encoder.

    Raises:
        ValueError: If a setting is not valid, or the model cannot be loaded.

    Source:
        Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022.
    """

    kinds: ClassVar[tuple[str, ...]] = ("whisper",)

    def __init__(
        self,
        vocab_size: int,
        encoder_output_size: int,
        model: str | None = None,
        architecture: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        config = read_architecture(model, architecture, self.kinds)
        self.model = build_backbone(model, config, "sdpa").decoder
        size = int(config.d_model)
        old = self.model.embed_tokens.weight.detach()
        embeddings = torch.nn.Embedding(vocab_size, size)
        if not old.is_meta:
            spread, mean = torch.std_mean(old)
            torch.nn.init.normal_(embeddings.weight, float(mean), float(spread))
        self.model.embed_tokens = embeddings
        bridged = encoder_output_size != size
        self.bridge = torch.nn.Linear(encoder_output_size, size) if bridged else None

    @classmethod
    def portable(cls, conf: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings that build the decoder without the hub, once its weights are saved.

        Args:
            conf: Settings of the decoder.

        Raises:
            ValueError: If the model cannot be loaded.
        """
        return portable_settings(conf, cls.kinds)

    def forward(
        self, hs_pad: Tensor, hlens: Tensor, ys_in_pad: Tensor, ys_in_lens: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Score every next token.

        Args:
            hs_pad: Encoded speech, [B, T, D].
            hlens: Frames of each utterance, [B].
            ys_in_pad: Token ids, the start first, [B, L].
            ys_in_lens: Tokens of each text, [B].

        Returns:
            (logits [B, L, V], tokens of each text [B]).

        Raises:
            ValueError: If a text is longer than the positions that Whisper has.
        """
        longest = self.model.config.max_target_positions
        if ys_in_pad.size(1) > longest:
            raise ValueError(
                f"A text of {ys_in_pad.size(1)} tokens is longer than the {longest} positions of"
                " Whisper's decoder: use larger units (`--st_nbpe`), or leave it out."
            )
        attended = inside(hs_pad.size(1), hlens)[:, None, None, :]
        return self._logits(self._states(ys_in_pad, hs_pad, attended)), ys_in_lens

    def score(self, ys: Tensor, state: Any, x: Tensor) -> tuple[Tensor, None]:
        """Score the next token of one prefix.

        Args:
            ys: Token ids of the prefix, [L].
            state: Not used.
            x: Encoded speech, [T, D].

        Returns:
            (log probabilities [V], None).
        """
        scores, _ = self.batch_score(ys.unsqueeze(0), [state], x.unsqueeze(0))
        return scores[0], None

    def batch_score(
        self, ys: Tensor, states: list[Any], xs: Tensor, xs_mask: Tensor | None = None
    ) -> tuple[Tensor, None]:
        """Score the next token of many prefixes.

        Args:
            ys: Token ids, [N, L].
            states: Not used.
            xs: Encoded speech, [N, T, D].
            xs_mask: False in padding, [N, 1, T]; None if there is none.

        Returns:
            (log probabilities [N, V], None).
        """
        if ys.size(1) > self.model.config.max_target_positions:
            scores = xs.new_full((len(ys), self.model.embed_tokens.num_embeddings), IMPOSSIBLE)
            scores[:, -1] = 0.0
            return scores, None
        attended = None if xs_mask is None else xs_mask.bool().unsqueeze(1)
        last = self._states(ys, xs, attended)[:, -1]
        return self._logits(last).log_softmax(dim=-1), None

    def _states(self, tokens: Tensor, speech: Tensor, attended: Tensor | None) -> Tensor:
        length = tokens.size(1)
        if self.bridge is not None:
            speech = self.bridge(speech)
        states = self.model.embed_tokens(tokens) + self.model.embed_positions.weight[:length]
        states = dropout(states, self.model.dropout, self.training)
        before = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()
        for layer in self.model.layers:
            states = layer(states, before[None, None], speech, attended, use_cache=False)
        return self.model.layer_norm(states)  # type: ignore[no-any-return]

    def _logits(self, states: Tensor) -> Tensor:
        return states @ self.model.embed_tokens.weight.T  # type: ignore[no-any-return]
