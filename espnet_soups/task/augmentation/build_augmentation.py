"""Build what changes the audio of training: ESPnet's own preprocessor of speech."""

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from espnet2.train.preprocessor import CommonPreprocessor

from espnet_soups.task.augmentation.check_augmentation import rate_of_model
from espnet_soups.task.augmentation.options import augments

Change = Callable[[np.ndarray], np.ndarray]


class Augmentation:
    """Function that changes the samples of an utterance at random.

    It draws from Python's and NumPy's global generators, as ESPnet does; see `SeededDataset`.

    Args:
        steps: ESPnet's preprocessors, without labels, in the order of their use.
    """

    def __init__(self, steps: Sequence[CommonPreprocessor]) -> None:
        self.steps = list(steps)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Return changed samples, float32; effects such as speed change their number.

        Args:
            samples: The samples, `(samples,)`.
        """
        for step in self.steps:
            samples = step("", {"speech": samples})["speech"]
        return np.asarray(samples, dtype=np.float32)


def build_augmentation(args: argparse.Namespace) -> Augmentation | None:
    """Build what the options ask for; None: they change nothing.

    Args:
        args: The options.
    """
    if not augments(args):
        return None
    # Two steps: what ESPnet's own makes of noise, with a dimension of channels, its effects refuse.
    mix = CommonPreprocessor(
        train=True,
        rir_scp=args.rir_scp,
        rir_apply_prob=args.rir_apply_prob,
        noise_scp=args.noise_scp,
        noise_apply_prob=args.noise_apply_prob,
        noise_db_range=args.noise_db_range,
        short_noise_thres=args.short_noise_thres,
        force_single_channel=True,
    )
    effects = CommonPreprocessor(train=True, fs=rate_of_model(args), **args.preprocessor_conf)
    return Augmentation([mix, effects])
