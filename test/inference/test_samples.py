"""Speech from a user, before it is decoded."""

import numpy as np
import pytest

from espnet_soups.inference.samples import change_rate


def test_speech_of_which_another_rate_leaves_nothing_is_refused():
    assert len(change_rate(np.full(1, 0.5), 8000, 16000)) == 2
    with pytest.raises(ValueError, match="its 1 samples of 44100 Hz none is left at 8000 Hz"):
        change_rate(np.full(1, 0.5), 44100, 8000)
