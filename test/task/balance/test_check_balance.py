import pytest

from espnet_soups.task.balance.check_balance import check_balance
from espnet_soups.testing.toy_model import make_toy_arguments

FBANK = {"type": "fbank", "fs": 8000, "num_mel_bins": 2, "stack": 4}  # frames of 8, each 40 ms


@pytest.mark.parametrize(
    ("options", "bins"),
    [
        ({"batch_seconds": 60.0}, 60 * 25 * 8),
        ({"batch_seconds": 60.0, "batch_type": "length"}, 60 * 25),
        ({"batch_seconds": 0.5, "feats_conf": {"type": "raw", "fs": 8000}}, 4000),
        ({}, 1_000_000),
        ({"batch_bins": 1_000_000}, 1_000_000),
    ],
)
def test_seconds_become_bins_by_the_frame_rate(options, bins):
    args = make_toy_arguments(**{"feats_conf": FBANK, "batch_bins": None, **options})
    check_balance(args)
    assert args.batch_bins == bins
    assert args.batch_seconds is None
    check_balance(args)  # as config.yaml has them they are valid again
    assert args.batch_bins == bins


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_seconds": 60, "batch_bins": 1_000_000}, r"\(60\) and `batch_bins` \(1000000\) b"),
        ({"batch_seconds": -1.0}, "`batch_seconds` must be above 0, but got -1"),
        ({"batch_seconds": "1e2"}, "`batch_seconds` must be a number, but got the text '1e2'"),
        ({"batch_seconds": 9, "batch_type": "sorted"}, "`batch_seconds` needs `batch_type: numel`"),
        ({"batch_seconds": 9, "feats_conf": {}}, "`batch_seconds` needs `feats_conf`"),
        (
            {"batch_seconds": 9, "feats_conf": {**FBANK, "stack": 1}},
            "`input_size` is 8, but `feats_conf` describes frames of 2",
        ),
        ({"batch_bins": 0}, "`batch_bins` must be 1 or more, but got 0"),
        ({"batch_size": -4}, "`batch_size` must be 1 or more, but got -4"),
        ({"batch_type": "catbel"}, "`batch_type: catbel` fills .*`language_shares`"),
        ({"batch_type": "catpow_balance_dataset"}, "with `language_shares` and `dataset_weights`"),
        ({"batch_type": "sort"}, "`batch_type` must be one of numel, .*, but got 'sort'"),
        ({"valid_batch_type": "folded"}, "`batch_type: folded` needs one `fold_length`"),
        ({"batch_type": "folded", "fold_length": [80, 150]}, r"needs one .* but got \[80, 150\]"),
        ({"sampling_alpha": -0.5}, "`sampling_alpha` must be 0 or more, but got -0.5"),
        ({"language_shares": {"it": 0.5}}, "names 'it', but the languages of this run are en, fr"),
        ({"language_shares": {False: 0.5}}, "must be a text, but got False"),
        ({"language_shares": {"fr": 0}}, "`language_shares` of fr must be above 0"),
        ({"language_shares": {"fr": -0.2}}, "`language_shares` of fr must be above 0.*got -0.2"),
        ({"language_shares": {"fr": "half"}}, "`language_shares` of fr must be a number"),
        ({"language_shares": {"fr": float("nan")}}, "of fr must be a finite number"),
        ({"language_shares": {"fr": 0.5, "es": 0.5}}, "sum to 1, which leaves nothing for en"),
        ({"language_shares": {"fr": 0, "es": 0, "en": 0}}, "of fr must be above 0"),
        ({"dataset_weights": {"mls": -1}}, "`dataset_weights` of mls must be above 0"),
        ({"dataset_weights": {"mls": [1]}}, r"`dataset_weights` of mls must be a number"),
        ({"dataset_weights": {7: 1.0}}, "A name in `dataset_weights` must be a text, but got 7"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(options, said):
    args = make_toy_arguments(**{"feats_conf": FBANK, "batch_bins": None, **options})
    with pytest.raises(ValueError, match=said):
        check_balance(args)
