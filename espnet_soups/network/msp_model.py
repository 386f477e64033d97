"""The multi-objective speech model: an ESPnet model with a head per objective."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from espnet2.asr.encoder.abs_encoder import AbsEncoder
from espnet2.asr.frontend.abs_frontend import AbsFrontend
from espnet2.asr.preencoder.abs_preencoder import AbsPreEncoder
from espnet2.asr.specaug.abs_specaug import AbsSpecAug
from espnet2.layers.abs_normalize import AbsNormalize
from torch import Tensor

from espnet_soups.losses.global_counts import GlobalCounts, count_over_ranks
from espnet_soups.losses.loss_sum import LossSum, add_sums, zero_touch
from espnet_soups.losses.step_loss import label_shares, step_loss
from espnet_soups.network.batch import Batch, collect_batch
from espnet_soups.network.encoded import (
    Encoded,
    Hidden,
    check_encoding,
    encode_below,
    encode_rows,
    group_rows,
)
from espnet_soups.network.encoding_model import EncodingModel, padding_mask
from espnet_soups.network.head_groups import losses_of_groups
from espnet_soups.network.running_statistics import RunningStatistics
from espnet_soups.network.step_guard import StepGuard
from espnet_soups.network.step_stats import on_device, step_stats
from espnet_soups.network.tally import LabelTally
from espnet_soups.network.two_parts import in_two_parts
from espnet_soups.objectives.heads.head import ENCODED_AND_SPEECH, FEATURES, Head, HeadInput
from espnet_soups.objectives.objective import Objective
from espnet_soups.ranks import is_distributed
from espnet_soups.soup.soup import Soup
from espnet_soups.soup.step import StepPlan


class MSPModel(EncodingModel):
    """One shared encoder; behind it a gate and a head for each objective.

    `forward` reads like the algorithm of the paper: encode, losses, measure, sum. It returns the
    plain sum of the mean losses; the gates weigh the gradients that reach the backbone.

    Args:
        objectives: The objectives, in the order of every vector and matrix.
        languages: The languages, in the order of the language indices of a batch.
        frontend: ESPnet's frontend for raw audio; None where features come from disk.
        specaug: SpecAugment, or None.
        normalize: Feature normalisation, or None.
        preencoder: ESPnet's pre-encoder, or None.
        encoder: Any of ESPnet's encoders.
        heads: The head of each objective by name.
        shared_heads: Modules that the heads of several objectives share, by name; may be empty.
        encoding: `per_language` encodes each language of a mini-batch by itself, which makes
            measuring cheaper; `pooled` encodes all at once, which is cheaper otherwise; `auto`
            chooses for each mini-batch: where gradients are measured from some layer on, all at
            once below it and each language by itself above; always `pooled` if the encoder has
            BatchNorm.
        static_weights: Factor of each loss where there is no soup, by name; 1 for other objectives.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        languages: Sequence[str],
        frontend: AbsFrontend | None,
        specaug: AbsSpecAug | None,
        normalize: AbsNormalize | None,
        preencoder: AbsPreEncoder | None,
        encoder: AbsEncoder,
        heads: Mapping[str, Head],
        shared_heads: Mapping[str, torch.nn.Module],
        encoding: str = "auto",
        static_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(frontend, specaug, normalize, preencoder, encoder)
        check_encoding(encoding)
        self.objectives, self.languages = list(objectives), list(languages)
        self.heads = torch.nn.ModuleDict(dict(heads))
        self.shared_heads = torch.nn.ModuleDict(dict(shared_heads))
        self.encoding = encoding
        self.static_weights = dict(static_weights or {})
        names = [objective.name for objective in self.objectives]
        self.tally = LabelTally(names)
        self.guard = StepGuard(names)
        self.soup: Soup | None = None

    @property
    def shared_modules(self) -> list[str]:
        """Prefixes of the modules that objectives share: the backbone in the paper's words."""
        modules = ["frontend", "preencoder", "encoder"]
        return modules + [f"shared_heads.{name}" for name in self.shared_heads]

    def forward(
        self,
        speech: Tensor,
        speech_lengths: Tensor,
        lang: Tensor,
        **labels: Tensor | list[str],
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Return the loss of a mini-batch.

        Args:
            speech: Features [B, T, D] or samples [B, S].
            speech_lengths: Frames or samples of each utterance, [B].
            lang: Index of the language of each utterance, [B, 1].
            **labels: Labels by data name, such as `text`: integers [B, L] (-1 for no label) or
                floats [B, L, ...] (NaN for no label), each with its `..._lengths` [B]; `utt_id` is
                not used.

        Returns:
            (loss, stats, weight): the sum of the objectives' mean losses per label token, the
            numbers for ESPnet's reporter, and the number of utterances on this rank, both on the
            CPU unless there are several ranks.
        """
        batch = collect_batch(speech, speech_lengths, lang, labels)
        plan = self._open_batch(speech.device)
        statistics = RunningStatistics(self) if self.training else None
        parts = batch.split(1 if plan is None else plan.parts)
        measured = plan is not None and plan.measured
        hidden = None if plan is None else self._encode_below(batch, plan.lowest)
        sums = [self._part_losses(part, measured, hidden) for part in parts]
        heads = self._heads
        watched = [head.watched for head in heads]
        counted = count_over_ranks(sums, len(batch.languages), watched)
        means: list[Sequence[Tensor]] = [
            [loss.total / count.clamp(min=1) for loss, count in zip(part, row, strict=True)]
            for part, row in zip(sums, counted.labels, strict=True)
        ]
        outcome = None
        if self.soup is not None and plan is not None:
            outcome = self.soup.observe(plan, means, counted)
        total = self._plain_loss(means, counted) if outcome is None else outcome.loss
        valid = outcome is None or outcome.valid
        # ESPnet weighs the ranks by their utterances; this undoes it (the counts are global).
        loss = total * counted.share
        if statistics is not None:
            for part in sums:
                self.tally.add(part)
            self.guard.see_losses(counted.finite)
            if not bool(counted.finite.all()):
                valid = False
                statistics.restore()
        if not valid:
            self.guard.watch.stop()
            loss = loss * torch.nan  # on all ranks, so that ESPnet skips the step
        scored = [
            head.has_accuracy and (not self.training or head.scored_in_training) for head in heads
        ]
        stats = step_stats(self.objectives, counted, outcome, loss, scored)
        weight = torch.tensor(len(batch.languages), dtype=loss.dtype)
        if is_distributed():  # ESPnet averages them over the ranks, on the device
            stats, weight = on_device(stats, loss.device), counted.utterances
        return loss[None], {key: value[None] for key, value in stats.items()}, weight[None]

    def objective_losses(
        self, speech: Tensor, speech_lengths: Tensor, lang: Tensor, **labels: Tensor | list[str]
    ) -> list[Tensor]:
        """Return the mean loss per label token of every objective, for custom training procedures.

        Args:
            speech: Features [B, T, D] or samples [B, S].
            speech_lengths: Frames or samples of each utterance, [B].
            lang: Index of the language of each utterance, [B, 1].
            **labels: Labels by data name, as in `forward`.

        Returns:
            One scalar per objective, in order.
        """
        sums = self.loss_sums(speech, speech_lengths, lang, **labels)
        return [loss.total / loss.count.clamp(min=1) for loss in sums]

    def loss_sums(
        self, speech: Tensor, speech_lengths: Tensor, lang: Tensor, **labels: Tensor | list[str]
    ) -> list[LossSum]:
        """Return the loss sum of every objective on a mini-batch, unweighted, in order.

        Args:
            speech: Features [B, T, D] or samples [B, S].
            speech_lengths: Frames or samples of each utterance, [B].
            lang: Index of the language of each utterance, [B, 1].
            **labels: Labels by data name, as in `forward`.
        """
        batch = collect_batch(speech, speech_lengths, lang, labels)
        return self._part_losses(batch, measured=True)

    def _open_batch(self, device: torch.device) -> StepPlan | None:
        """Open a mini-batch, and return the plan of the soup for it; None if not training."""
        if not self.training:
            return None
        self.guard.begin_batch(device)
        return None if self.soup is None else self.soup.plan()

    def _encode_below(
        self, batch: Batch, lowest: torch.nn.Module | None
    ) -> dict[bool, Hidden] | None:
        """Encode a mini-batch up to the lowest layer that is measured, with SpecAugment or without.

        None: it is not known, or the encoder cannot be run so.
        """
        two = in_two_parts(self.encoder, lowest) if self.encoding == "auto" else None
        if two is None:
            return None
        found = {}
        for augment, rows in self._spoken(self._all_labelled(batch)).items():

            def below(
                speech: Tensor, lengths: Tensor, augment: bool = augment
            ) -> tuple[Tensor, Tensor | None, Tensor]:
                feats = self.before_encoder(*self.features(speech, lengths, augment))
                return two.run_below(*feats, padding_mask(*feats))

            groups = group_rows(self.encoding, batch, rows, self.encoder, measured=False)
            found[augment] = encode_below(batch, below, two.run_above, groups)
        return found

    def _part_losses(
        self, batch: Batch, measured: bool, hidden: Mapping[bool, Hidden] | None = None
    ) -> list[LossSum]:
        """Encode one independent part and return the loss sum of every objective, in order."""
        labelled = self._all_labelled(batch)
        encoded = {}
        for augment, rows in self._spoken(labelled).items():
            if hidden is not None:
                encoded[augment] = hidden[augment].encode(batch, rows)
                continue
            groups = group_rows(self.encoding, batch, rows, self.encoder, measured)
            encoded[augment] = encode_rows(
                batch, rows, partial(self.encode, augment=augment), groups
            )
        inputs = {
            position: self._inputs(
                position, batch, labelled[objective.name], encoded[self._augments(objective.name)]
            )
            for position, objective in enumerate(self.objectives)
            if objective.name in labelled
        }
        # Without a border, the gradient of each objective would go back through a whole group.
        apart = measured and not (self.soup is not None and self.soup.border.closed)
        together = losses_of_groups(self._heads, inputs, alone=apart)
        losses = [
            self._encoded_loss(position, batch, inputs[position], together.get(position))
            if position in inputs
            else self._features_loss(position, batch)
            for position in range(len(self.objectives))
        ]
        if not any(loss.used for loss in losses):
            # no loss came out of the encoder: DDP would wait for its gradients on this rank
            touched = losses[0].total + zero_touch(self.encoding_parameters(), batch.speech)
            losses[0] = replace(losses[0], total=touched)
        return losses

    def _augments(self, name: str) -> bool:
        """Return True if an objective reads the encoding with SpecAugment, or there is only one."""
        head: Head = self.heads[name]  # type: ignore[assignment]
        return head.augmented or self.specaug is None or not self.training

    def _spoken(
        self, labelled: Mapping[str, Mapping[int, list[int]]]
    ) -> dict[bool, dict[int, list[int]]]:
        """Return the positions of the utterances to encode, by language, each once.

        Args:
            labelled: Positions of the utterances that each objective learns from, by language.

        Returns:
            Those to encode with SpecAugment, and those without.
        """
        spoken: dict[bool, dict[int, list[int]]] = {True: {}, False: {}}
        for name, of_objective in labelled.items():
            own = spoken[self._augments(name)]
            for language, rows in of_objective.items():
                own[language] = sorted({*own.get(language, []), *rows})
        return {augment: dict(sorted(own.items())) for augment, own in spoken.items()}

    def _head(self, objective: Objective) -> Head:
        return self.heads[objective.name]  # type: ignore[return-value]

    @property
    def _heads(self) -> list[Head]:
        return [self._head(objective) for objective in self.objectives]

    def _all_labelled(self, batch: Batch) -> dict[str, dict[int, list[int]]]:
        """Return `_labelled` of all objectives whose heads read encoded frames, by name."""
        return {
            objective.name: self._labelled(batch, objective)
            for objective in self.objectives
            if self._head(objective).reads != FEATURES
        }

    def _labelled(self, batch: Batch, objective: Objective) -> dict[int, list[int]]:
        """Return the positions of the utterances that have a label of an objective, by language."""
        languages = [self.languages.index(objective.language)] if objective.language else None
        found = {
            language: batch.labelled(objective.label, batch.rows_of(language))
            for language in languages or range(len(self.languages))
        }
        return {language: rows for language, rows in found.items() if rows}

    def _inputs(
        self,
        position: int,
        batch: Batch,
        labelled: Mapping[int, list[int]],
        encoded: Mapping[int, Encoded],
    ) -> list[tuple[Tensor, ...]]:
        """Return the inputs of the head of an objective, language by language."""
        objective = self.objectives[position]
        inputs: list[tuple[Tensor, ...]] = []
        for language, rows in labelled.items():
            states, lengths = encoded[language].take(rows)
            own = HeadInput(
                self._before_head(states, position),
                lengths,
                *batch.labels_of(objective.label, rows),
            )
            reads_speech = self._head(objective).reads == ENCODED_AND_SPEECH
            inputs.append((*own, *batch.speech_of(rows)) if reads_speech else own)
        return inputs

    def _encoded_loss(
        self,
        position: int,
        batch: Batch,
        inputs: Sequence[tuple[Tensor, ...]],
        known: LossSum | None,
    ) -> LossSum:
        """Return the loss sum of an objective on encoded frames, unless it is already known."""
        head = self._head(self.objectives[position])
        if not inputs:
            return head.absent(batch.speech)
        sums = [head(*one) for one in inputs] if known is None else [known]
        return self._behind_head(add_sums(sums), position)

    def _features_loss(self, position: int, batch: Batch) -> LossSum:
        """Return the loss sum of an objective whose head calls the encoder."""
        objective = self.objectives[position]
        head = self._head(objective)
        transcripts = [o.label for o in self.objectives if o.transcribes] or list(batch.labels)
        rows = batch.rows_with(getattr(head, "audio", "all"), transcripts)
        if objective.language:
            spoken = set(batch.rows_of(self.languages.index(objective.language)))
            rows = [row for row in rows if row in spoken]
        if not rows:
            return head.absent(batch.speech)

        def encode(feats: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
            states, frames = self.encode_features(feats, lengths)
            return self._before_head(states, position), frames

        feats, lengths = self.features(*batch.speech_of(rows), augment=False)
        return self._behind_head(head(feats, lengths, encode), position)

    def _before_head(self, states: Tensor, position: int) -> Tensor:
        """Pass encoded frames through border and gate, where the head follows its own loss."""
        states = self.guard.watch(states, position)
        if self.soup is not None and self.soup.border.closed:
            return self.soup.border(states, position)
        if self.soup is None or self._weighs_head(position):
            return states
        return self.soup.gates(states, position)

    def _behind_head(self, loss: LossSum, position: int) -> LossSum:
        """Pass a loss through the gate, where the head is weighed like the backbone."""
        if self.soup is None or not self._weighs_head(position):
            return loss
        return replace(loss, total=self.soup.gates(loss.total, position))

    def _weighs_head(self, position: int) -> bool:
        """Return True if a head is weighed: a shared one counts as backbone."""
        shared = self._head(self.objectives[position]).is_shared
        return shared or (self.soup is not None and self.soup.config.heads == "weighted")

    def _plain_loss(self, means: Sequence[Sequence[Tensor]], counted: GlobalCounts) -> Tensor:
        """Return the sum of the mean losses where no soup weighs them, by static weights."""
        shares = label_shares(counted.labels)
        if self.soup is None and self.static_weights:
            static = [self.static_weights.get(o.name, 1.0) for o in self.objectives]
            shares = shares * shares.new_tensor(static)
        return step_loss(means, shares)
