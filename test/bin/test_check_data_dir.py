"""Stage 1 on a corpus of more languages than the run has."""

import pytest

from espnet_soups.bin.check_data_dir import main


def test_other_languages_are_left_out_with_a_warning(data_dir, capsys):
    main([str(data_dir.path), "--asr_langs=fr", "--st_pairs=fr_en"])
    said = capsys.readouterr()
    assert said.err == (
        f"warning: {data_dir.path}: 2 of 4 utterances are left out, since neither an objective nor"
        " `--languages` names their language: en\n"
    )
    assert "labels: asr_fr 2, st_fr_en 2" in said.out
    main([str(data_dir.path), "--asr_langs=fr", "--languages=en"])
    assert capsys.readouterr().err == ""


def test_a_set_of_other_languages_alone_is_refused(data_dir):
    with pytest.raises(ValueError, match=r"has language 'en', but the run has \['de'\]"):
        main([str(data_dir.path), "--asr_langs=de"])


def test_a_further_language_that_training_or_validation_lacks_is_refused(data_dir):
    further = [str(data_dir.path), "--asr_langs=fr", "--languages=en xx"]
    with pytest.raises(ValueError, match="utt2lang has no utterance of xx, which `--languages`"):
        main(further)
    main([*further, "--may_lack_languages=true"])
