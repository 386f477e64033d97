"""The options of the measurement: names, types and defaults, which the documentation states."""

import argparse

from espnet_soups.conflict.options import add_conflict_options


def parse(*words):
    parser = argparse.ArgumentParser()
    add_conflict_options(parser)
    return vars(parser.parse_args(words))


def test_the_defaults_are_those_of_the_help():
    assert parse() == {
        "exp_dir": None,
        "conflict_models": ["start"],
        "conflict_batches": 16,
        "conflict_batch_bins": 0,
        "conflict_step": 0.001,
        "conflict_confidence": 0.95,
    }


def test_every_option_is_read():
    found = parse(
        *("--exp_dir", "exp/a", "--conflict_models", "start", "3", "last"),
        *("--conflict_batches", "8", "--conflict_batch_bins", "500"),
        *("--conflict_step", "0", "--conflict_confidence", "0.9"),
    )
    assert list(found.values()) == ["exp/a", ["start", "3", "last"], 8, 500, 0.0, 0.9]
