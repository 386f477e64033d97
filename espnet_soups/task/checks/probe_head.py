"""Try the head of a user's own kind on silence and a real label before training."""

import torch
from espnet2.legacy.nets.pytorch_backend.transformer.subsampling import TooShortUttError

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.contract import check_returned
from espnet_soups.objectives.labels import LabelledObjective


@torch.no_grad()
def probe_head(model: MSPModel, labels: LabelledObjective, length: int, width: int | None) -> None:
    """Let a head learn from one label of a silent utterance, and check what it returns.

    Args:
        model: The model.
        labels: Labels of the training set, at least one.
        length: Frames or samples of the first of them.
        width: Numbers per frame; None: samples.

    Raises:
        ValueError: If the encoder of the kind or the head does not return what the contract
            requires, or fails; the message names the class.
    """
    head, encoder = labels.head, labels.encoder
    if head.reads != "encoded" or encoder is None:
        return
    like, training = next(model.parameters()), model.training
    name = type(head).__name__
    model.eval()
    try:
        shape = (1, length) if width is None else (1, length, width)
        states, frames = model.encode(like.new_zeros(shape), torch.tensor([length]).to(like.device))
        label = torch.as_tensor(encoder(next(iter(labels.texts.values()))), device=like.device)
        sizes = torch.tensor([len(label)], device=like.device)
        loss = head(states, frames, label.unsqueeze(0), sizes)
    except TooShortUttError:
        return
    except (RuntimeError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise ValueError(
            f"The head {name} of {labels.objective.name} cannot learn from a label of"
            f" {labels.where}: {type(error).__name__}: {' '.join(str(error).split())}."
        ) from error
    finally:
        model.train(training)
    check_returned("forward", head, loss, LossSum, "a sum and a count")
    if loss.total.dim() or loss.count.dim() or not float(loss.count) > 0:
        raise ValueError(
            f"`forward` of {name} must return a scalar sum and how many labels it counts, but for"
            f" one label it returned a sum of shape {tuple(loss.total.shape)} and a count of"
            f" {loss.count.tolist()}."
        )
