"""Stage 13 as a whole: what it writes and what it refuses."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_up_experiment import add_decoding, report

MEASURED = {"raised", "gradient_norm", "cosine", "cosine_groups"}
TRAINING = {"loss", "accuracy", "weights", "penalties", *MEASURED}
PICTURES = {"scores_beam5_test", *TRAINING}


def headings(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.match(r"#+ ", line)]


class Page(HTMLParser):
    """Collect what a page refers to and which tags stay open."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.sources += [found["src"]] if "src" in found else []
        self.links += [found["href"]] if "href" in found else []
        self.ids |= {found["id"]} if "id" in found else set()
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_results_hold_what_the_experiment_was_and_gave(reported) -> None:
    results = json.loads((reported / "results.json").read_text(encoding="utf-8"))
    training = results["training"]
    assert (training["soup"], training["order"], training["combiner"]) == ("vm", "SA", "modo")
    assert (training["epochs"], training["seconds"]) == (4, 122.0)
    assert training["parameters"] == 4_900_000
    assert results["decoding"]["rtf"] == 0.08
    assert results["command"] == "./run.sh --soup vm"
    assert results["scores"]["mean"]["bleu"]["high"] == 25.25
    assert results["environment"]["espnet"]
    assert "examples" not in json.dumps(results)


def test_results_md_has_its_sections_in_order(reported) -> None:
    folder = reported
    method = "### Was the method at work?"
    sections = ["### WER", "### CER", "### BLEU and chrF", method, "### Environments"]
    expected = ["# RESULTS", "## Comparison", "## msp_vm", *sections]
    assert headings(folder / "RESULTS.md") == [*expected, "### Pictures"]
    assert headings(folder.parent / "RESULTS.md") == expected
    text = (folder / "RESULTS.md").read_text(encoding="utf-8")
    row = "| asr_fr | 25 | 200 | 85.0 | 10.0 | 5.0 | 5.0 | 20.0 [15.0, 25.2] | 20.0 [15.0, 25.2] |"
    assert row in text
    assert "| vm SA | ASR×2 > ST×1 | modo | 0.08 / – | 60 % |" in text
    level = "| 1 | modo | asr_fr 0.580 (0.530), asr_it 0.420 (0.470) | 1 | 0.08 | 0.08 |"
    assert level in text
    assert "Measured: 10 of 100 steps. Share of signal in a measured gradient: asr_fr 40 %" in text
    assert "asr_fr 30 %, asr_it 30 %, st_fr_en 30 %; at least one: 60 %." in text
    assert "- seed: `3`\n- training configuration: `train_tiny.yaml`" in text
    assert "| 4 | 2 min 02 s, 2 threads | 4.90 M |" in text
    assert "- trained on: `2 threads`" in text
    assert "![Validation curves of the experiments](comparison.png)" in (
        folder.parent / "RESULTS.md"
    ).read_text(encoding="utf-8")
    assert (folder.parent / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert "left out of CTC: asr_it 1." in text
    for image in re.findall(r"\]\((images/\S+)\)", text):
        assert (folder / image).is_file()


def test_every_table_row_has_as_many_cells_as_its_head(reported) -> None:
    folder = reported
    blocks = (folder / "RESULTS.md").read_text(encoding="utf-8").split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("| ")]
    assert len(tables) == 5
    for rows in tables:
        assert len({row.count("|") for row in rows}) == 1


def test_the_page_needs_no_other_file_and_escapes_texts(reported) -> None:
    folder = reported
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert len(page.sources) == len(PICTURES)
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    page.links.remove("../comparison.html")
    assert len(page.links) > len(PICTURES)
    assert {link.removeprefix("#") for link in page.links} <= page.ids
    assert "asr_fr-1  &lt;b&gt;" in text
    assert "(3 tokens)" in text


def test_no_width_is_fixed_and_pictures_suit_the_dark(reported) -> None:
    text = (reported / "report.html").read_text(encoding="utf-8")
    assert "@media (prefers-color-scheme:dark)" in text
    assert "figure img{filter:invert(1) hue-rotate(180deg)" in text
    # what may be wider than the page scrolls in its own frame
    assert text.count("<table") == text.count('<div class="wide"><table')
    assert text.count("<img") == text.count('"><img')
    widths = [int(width) for width in re.findall(r'style="min-width:(\d+)px"', text)]
    assert len(widths) == len(PICTURES)
    assert max(widths) < 700


def test_the_experiments_are_compared_on_a_page_that_links_to_theirs(
    make_experiment, one_picture
) -> None:
    for name in ("msp_vs", "msp_#1 <b>"):
        folder = make_experiment(name)
        report(folder)
    (folder.parent / "msp_vs" / "report.html").unlink()
    text = (folder.parent / "comparison.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.links == ["msp_%231%20%3Cb%3E/report.html", "msp_vs/report.html"]
    report(folder)
    text = (folder.parent / "comparison.html").read_text(encoding="utf-8")
    assert "msp_vs/report.html" not in text
    assert '<td class="text">msp_vs</td>' in text
    assert "<b>" not in text.partition("<table")[2]


@pytest.mark.parametrize(
    ("objectives", "absent"),
    [
        (["asr_fr"], {"weights", "penalties", "cosine", "cosine_groups"}),
        (["st_fr_en"], {"weights", "penalties", "cosine", "cosine_groups"}),
        (["asr_fr", "st_fr_en"], {"weights"}),
        ([f"asr_{n}" for n in "abcdefghijk"] + [f"st_{n}_en" for n in "abcdefghij"], set()),
    ],
)
def test_any_number_of_objectives_is_reported(make_experiment, objectives, absent) -> None:
    folder = make_experiment(objectives=objectives, epochs=1)
    report(folder)
    drawn = {path.stem for path in (folder / "images").glob("*.png")}
    assert drawn == PICTURES - absent
    text = (folder / "RESULTS.md").read_text(encoding="utf-8")
    assert ("### WER" in text) == any(name.startswith("asr") for name in objectives)
    assert ("### BLEU" in text) == any(name.startswith("st") for name in objectives)


def test_pictures_that_no_longer_apply_are_removed_and_named(make_experiment, capsys) -> None:
    folder = make_experiment()
    report(folder)
    (folder / "soup.jsonl").unlink()
    (folder / "config.yaml").write_text("trainer: default\n")
    (folder / "train.log").write_text(
        "INFO: 1epoch results: [train] loss/asr_fr=3.0, time=3 seconds, total_count=1,"
        " [valid] loss/asr_fr=3.1, time=1 second, total_count=1\n"
    )
    results = report(folder)
    assert {path.stem for path in (folder / "images").iterdir()} == {"scores_beam5_test", "loss"}
    assert results["training"]["combiner"] == "static"
    assert results["training"]["parameters"] is None
    printed = capsys.readouterr().out
    assert "no picture of weights: no weight can move: static weights, or" in printed
    unmeasured = "raised, gradient_norm, cosine, cosine_groups, layers"
    assert f"no picture of {unmeasured}: no step was measured\n" in printed


def test_experiments_are_compared_in_one_table(make_experiment, one_picture) -> None:
    first, second = make_experiment("msp_vs"), make_experiment("msp_joint")
    report(first)
    report(second)
    text = (first.parent / "RESULTS.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| [msp_")]
    assert [row.split("]")[0] for row in rows] == ["| [msp_joint", "| [msp_vs"]
    assert "signatures differ" not in text


def test_a_score_that_says_nothing_and_one_that_lacks_are_named_wherever_they_stand(
    make_experiment, one_picture
) -> None:
    folder = make_experiment()
    path = folder / "beam5/test/scores.json"
    scores = json.loads(path.read_text(encoding="utf-8"))
    scores["objectives"]["st_fr_en"]["bleu"]["undefined"] = "is 0 since no hypothesis has <4> words"
    scores["not_scored"] = {"cls_gender": "test has no utt2gender"}
    path.write_text(json.dumps(scores), encoding="utf-8")
    report(folder)
    said = "BLEU of st_fr_en is 0 since no hypothesis has <4> words."
    text = (folder.parent / "RESULTS.md").read_text(encoding="utf-8")
    assert said in text.partition("## msp_vm")[2]
    assert f"msp_vm: {said}" in text.partition("## msp_vm")[0]
    for page in (folder / "report.html", folder.parent / "comparison.html"):
        assert said.replace("<4>", "&lt;4&gt;") in page.read_text(encoding="utf-8")
    lacking = "Not scored: cls_gender (test has no utt2gender)."
    assert lacking in text
    assert lacking in (folder / "report.html").read_text(encoding="utf-8")


def test_each_set_and_inference_tag_keeps_its_own_row_and_section(
    make_experiment, tmp_path, one_picture
) -> None:
    folder = make_experiment()
    add_decoding(folder, "beam5", "test_other", 31.0)
    add_decoding(folder, "greedy", "test", 32.0)
    recipe = tmp_path / "recipe"
    recipe.mkdir()
    publish = ["--publish_dir", str(recipe)]
    report(folder, *publish)
    report(folder, *publish, name="test_other")
    report(folder, *publish, tag="greedy")
    report(folder, *publish)  # again: replaced, not added
    expected = ["beam5/test", "beam5/test_other", "greedy/test"]
    for path in (folder, folder.parent, recipe):
        text = (path / "RESULTS.md").read_text(encoding="utf-8")
        rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| [msp_")]
        assert [row[1] for row in rows] == expected
        assert [row[7].split()[0] for row in rows] == ["20.0", "31.0", "32.0"]
        sections = [line for line in headings(path / "RESULTS.md") if line.startswith("## msp_")]
        assert sections == [f"## msp_vm: {label}" for label in expected]
        for row, label in zip(rows, expected, strict=True):
            assert f"(#msp_vm-{label.replace('/', '')})" in row[0]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert all(f">Scores of {label} <a" in page for label in expected)


def test_the_result_of_an_earlier_release_is_kept(make_experiment, one_picture) -> None:
    folder = make_experiment()
    report(folder)
    (folder / "beam5/test/results.json").unlink()  # it was beside the model only
    add_decoding(folder, "greedy", "test", 32.0)
    report(folder, tag="greedy")
    text = (folder.parent / "RESULTS.md").read_text(encoding="utf-8")
    assert "## msp_vm: beam5/test" in text
    assert "## msp_vm: greedy/test" in text


def test_publishing_keeps_other_lines_and_replaces_its_own(
    make_experiment, tmp_path, one_picture
) -> None:
    recipe = tmp_path / "recipe"
    recipe.mkdir()
    first, second = make_experiment("msp_vs"), make_experiment("msp_joint")
    report(first, "--publish_dir", str(recipe), "--parameters", "7")
    for path in (first / "results.json", first / "beam5/test/results.json"):
        path.unlink()  # as in a fresh clone, where exp/ is empty
    report(second, "--publish_dir", str(recipe))
    report(second, "--publish_dir", str(recipe), "--parameters", "1234")
    records = [json.loads(line) for line in (recipe / "results.jsonl").read_text().splitlines()]
    assert [item["name"] for item in records] == ["msp_joint", "msp_vs"]
    assert [item["training"]["parameters"] for item in records] == [1234, 7]
    assert "## msp_vs" in headings(recipe / "RESULTS.md")
    assert "## msp_vs" not in headings(second.parent / "RESULTS.md")


def test_a_missing_score_file_says_which_stage_makes_it(make_experiment) -> None:
    folder = make_experiment()
    (folder / "beam5/test/scores.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"scores.json is missing; run the scoring"):
        report(folder)
    assert not (folder / "results.json").exists()


def test_a_config_that_is_not_yaml_is_named(make_experiment) -> None:
    folder = make_experiment()
    (folder / "config.yaml").write_text("trainer: [\n")
    with pytest.raises(ValueError, match=r"config.yaml:2 is not valid YAML: "):
        report(folder)


def test_a_publish_dir_that_is_missing_is_refused(make_experiment, tmp_path) -> None:
    folder = make_experiment()
    with pytest.raises(FileNotFoundError, match="nowhere is missing; `--publish_dir` must be"):
        report(folder, "--publish_dir", str(tmp_path / "nowhere"))
    assert not (folder / "results.json").exists()


BROKEN = {
    "cut": '{"name": "msp_cut", "inference',
    "list": "[]",
    "other": '{"name": "other"}',
    "shape": '{"name": "x", "inference_tag": "t", "set": "s", "scores": [], "training": 3}',
    "number": '{"name": 3, "inference_tag": "t", "set": "s"}',
}


def test_a_broken_record_of_another_experiment_is_left_out_by_name(
    make_experiment, one_picture, capsys
) -> None:
    report(make_experiment())
    folder = make_experiment("msp_own")
    for name, text in {**BROKEN, "bytes": "\xe9"}.items():
        path = folder.parent / f"msp_{name}" / "beam5" / "test" / "results.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(text.encode("latin-1"))
    report(folder)
    text = (folder.parent / "RESULTS.md").read_text(encoding="utf-8")
    assert headings(folder.parent / "RESULTS.md").count("## msp_own") == 1
    assert "msp_vm" in text
    printed = capsys.readouterr().out
    for name in (*BROKEN, "bytes"):
        assert f"warning: left out: msp_{name} of {folder.parent}/RESULTS.md (" in printed
        assert f"msp_{name}" not in text


def test_a_broken_record_of_the_last_report_is_written_anew(make_experiment, one_picture) -> None:
    folder = make_experiment()
    for text in BROKEN.values():
        (folder / "results.json").write_text(text)
        report(folder)
        assert json.loads((folder / "results.json").read_text())["name"] == "msp_vm"


def test_broken_epochs_of_another_experiment_do_not_stop_the_comparison(
    make_experiment, capsys
) -> None:
    broken = make_experiment("msp_broken")
    (broken / "soup.jsonl").write_text('{"epoch": 1}\n{"epoch": "two", "loss": []}\n')
    folder = make_experiment()
    report(folder)
    assert "warning: left out: msp_broken of comparison.png (" in capsys.readouterr().out
    assert (folder.parent / "comparison.png").exists()
