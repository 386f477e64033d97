"""Training runs no command that stands in a table of features."""

import argparse

import pytest

from espnet_soups.objectives.objective import Objective
from espnet_soups.task.checks.check_data_names import check_data_names


@pytest.mark.parametrize("option", ["train", "valid"])
def test_a_table_of_features_holds_no_commands(tmp_path, option):
    table = tmp_path / "feats.scp"
    table.write_text(f"a touch {tmp_path / 'made'} |\n")
    files = [(str(table), "speech", "kaldi_ark")]
    args = argparse.Namespace(**{f"{option}_data_path_and_name_and_type": files})
    with pytest.raises(ValueError, match=r"feats\.scp: a is a pipe .*not run"):
        check_data_names(args, [Objective("ssl", "ssl", supervised=False)])
    table.write_text("a feats.ark:12\n")
    check_data_names(args, [Objective("ssl", "ssl", supervised=False)])
    assert not (tmp_path / "made").exists()
