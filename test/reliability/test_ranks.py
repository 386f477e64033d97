"""Two of the sixteen injuries of the campaign's part `ranks`: a rank is killed, another hangs."""

from pathlib import Path

import pytest
from ranks import TIMEOUT, Injury, Ranks, injure_a_rank
from warm_python import warm_variables


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    """The corpus of two ranks, and what becomes of their training where nothing disturbs it."""
    ranks = Ranks(tmp_path_factory.mktemp("ranks"), warm_variables())
    ended = ranks.train("whole", "none")
    assert ended.statuses == (0, 0), ended.said[-3000:]
    return ranks, ranks.bits("whole")


def test_after_sigkill_of_a_rank_torchrun_ends_with_a_sentence_and_the_same_command_resumes(whole):
    ended = injure_a_rank(whole[0], "killed", Injury("torchrun", "kill", rank=1), whole[1])
    [told] = ended.sentences
    assert told.startswith(
        "Rank 1 was lost, killed or hung, while rank 0 of 2 was at epoch 2, mini"
    )
    assert "run the same command again: training goes on from the last whole checkpoint" in told


def test_a_rank_that_waits_for_one_that_hangs_ends_after_the_time_limit_and_names_it(whole):
    ended = injure_a_rank(whole[0], "hung", Injury("none", "sleep", rank=0), whole[1])
    assert ended.statuses == (1,)
    [told] = ended.sentences
    assert told.startswith(
        "Rank 0 was lost, killed or hung, while rank 1 of 2 was at epoch 2, mini"
    )
    assert f"`--dist_timeout` is {TIMEOUT} s" in told
    assert Path(whole[0].root / "hung" / "2epoch.pth").exists()
