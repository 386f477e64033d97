"""Labels that have more tokens than frames are told in stage 4, with the remedy."""

from dataclasses import replace

import pytest

from espnet_soups.data.data_dir import DataDir
from espnet_soups.objectives.label_lengths import describe_long_labels
from espnet_soups.objectives.run import read_run


def data_of(tmp_path, texts):
    rows = dict.fromkeys(texts, "x")
    spoken = {key: key[:2] for key in texts}
    return DataDir(tmp_path, rows, spoken, rows, {"text": texts, "text.en": texts})


def run_of(tmp_path, *words, **options):
    config = tmp_path / "train.yaml"
    config.write_text("encoder_conf: {input_layer: linear}\nst_ctc_weight: 0.3\n")
    given = {"asr_langs": "el en", "st_pairs": "el_en", "st_token_type": "char", "stack": "4"}
    given |= {"feats_type": "fbank", "train_config": str(config), "train_args": " ".join(words)}
    return read_run(given | options)


TEXTS = {"el1": "abcdef", "el2": "aabb", "el3": "<na>", "en1": "abc", "en2": "<na>"}
FRAMES = {"el1": 5, "el2": 6, "el3": 1, "en1": 3, "en2": 1}


def test_labels_that_do_not_fit_are_counted_per_objective_with_the_stack_that_fits(tmp_path):
    found = describe_long_labels(run_of(tmp_path), data_of(tmp_path, TEXTS), FRAMES, "char")
    assert found == [
        f"{tmp_path}/{file} ({name}): 1 of 2 labels have more tokens than frames (50.0%), and CTC"
        f" leaves them out in every epoch: set `--stack 3` (leaves out 0), or use longer tokens"
        f" (`--{name[:3].strip('_')}_token_type bpe`)"
        for file, name in (("text", "asr_el"), ("text.en", "st_el_en"))
    ]


def test_equal_neighbours_need_a_frame_between_them(tmp_path):
    tight = {**FRAMES, "el1": 6, "el2": 5}
    data = data_of(tmp_path, TEXTS)
    assert len(describe_long_labels(run_of(tmp_path), data, tight, "char")) == 2
    fits = {**tight, "el2": 6}
    assert describe_long_labels(run_of(tmp_path), data, fits, "char") == []


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("--asr_ctc_weight 0 --st_ctc_weight 0",), {}),
        (("--encoder_conf input_layer=unknown",), {}),
        ((), {"feats_type": "raw"}),
        ((), {"asr_token_type": "bpe", "st_token_type": "bpe"}),  # counted in stage 5
    ],
)
def test_nothing_is_told_where_no_ctc_learns_or_frames_are_not_known(tmp_path, words, options):
    run = run_of(tmp_path, *words, **options)
    assert describe_long_labels(run, data_of(tmp_path, TEXTS), FRAMES, "char") == []


def test_an_encoder_that_makes_fewer_frames_leaves_out_more(tmp_path):
    run = run_of(tmp_path, "--encoder_conf input_layer=conv2d")
    frames = {**FRAMES, "el1": 12, "el2": 20, "en1": 12}  # 3 to 5 after the encoder, give or take 2
    found = describe_long_labels(run, data_of(tmp_path, TEXTS), frames, "char")
    assert [line.partition(": ")[0] for line in found] == [
        f"{tmp_path}/text (asr_el)",
        f"{tmp_path}/text.en (st_el_en)",
    ]


def test_one_head_for_all_texts_learns_transcripts_alone_by_ctc(tmp_path):
    run = run_of(tmp_path, "--text_heads shared")
    found = describe_long_labels(run, data_of(tmp_path, TEXTS), FRAMES, "char")
    assert [line.partition(": ")[0] for line in found] == [f"{tmp_path}/text (asr_el)"]


def test_an_objective_none_of_whose_labels_fits_is_refused(tmp_path):
    data = data_of(tmp_path, TEXTS)
    few = dict.fromkeys(FRAMES, 1)
    with pytest.raises(ValueError, match=r"all 2 of 2 labels have more tokens.*set `--stack 1`"):
        describe_long_labels(run_of(tmp_path), data, few, "char")


def test_pieces_are_counted_once_their_model_is_made(tmp_path):
    from espnet_soups.data.token_list import train_sentencepiece

    texts = {f"el{i}": "abcdefgh abcdefgh" for i in range(9)} | {"en1": "ab"}
    options = {"asr_token_type": "bpe", "asr_langs": "el", "st_pairs": "", "languages": "en"}
    run = run_of(tmp_path, datadir=str(tmp_path), **options)
    (vocabulary,) = run.vocabularies()
    train_sentencepiece(texts.values(), vocabulary.folder, 12, "unigram")
    data = replace(data_of(tmp_path, texts), labels={"text": texts})
    frames = {**dict.fromkeys(texts, 40), "el1": 0}
    (found,) = describe_long_labels(run, data, frames, "bpe")
    assert "(asr_el): 1 of 9 labels have more tokens than frames" in found
    assert found.endswith("or use longer tokens (`--asr_nbpe`)")
