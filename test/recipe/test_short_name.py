"""Long options make no long names of folders."""

from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "egs2/TEMPLATE/msp1/scripts/short_name.sh"


def short_name(bash, name: str) -> str:
    result = bash(f'. {SCRIPT}; short_name "$1"', name)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout.removesuffix("\n")


def test_a_name_of_100_bytes_is_kept(bash) -> None:
    for name in ("train_msp_fbank_char_sp", "x" * 100, "é" * 50):
        assert short_name(bash, name) == name


def test_a_longer_one_is_cut_and_ends_in_a_digest_of_the_whole(bash) -> None:
    names = ["x" * 101, "x" * 102, "é" * 80, "a" + "é" * 80, "_max_epoch3" * 40]
    short = [short_name(bash, name) for name in names]
    assert len(set(short)) == len(names)
    for name, found in zip(names, short, strict=True):
        assert len(found.encode()) <= 100
        assert name.startswith(found[: found.rindex("_")])
        assert len(found) - found.rindex("_") == 9
        assert short_name(bash, name) == found


def prepared(bash, stamp: Path, words: str) -> str:
    return bash(f'. {SCRIPT}; prepared_words "$1" languages "$2"', str(stamp), words).stdout.strip()


def test_a_corpus_of_more_languages_is_not_prepared_again_for_fewer(bash, tmp_path: Path) -> None:
    stamp = tmp_path / ".stage1.done"
    assert prepared(bash, stamp, "en fr") == "en fr"
    stamp.write_text("setting opts=\nsetting languages=en fr de\nsetting pairs=fr_en\n")
    assert prepared(bash, stamp, "fr en") == "en fr de"
    assert prepared(bash, stamp, "en es") == "en es"
    stamp.write_text("setting opts=\n")
    assert prepared(bash, stamp, "en es") == "en es"
