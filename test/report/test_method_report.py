"""What the report says of whether the method was at work."""

import json

from made_up_experiment import add_decoding, report
from made_up_records import change_records, forget_the_soup

from espnet_soups.report.method_text import TITLE, WARNING


def test_a_run_near_uniform_is_named_below_the_table_and_in_its_section(
    make_experiment, one_picture
) -> None:
    near, far = make_experiment("msp_near", drift=0.012), make_experiment("msp_far")
    add_decoding(near, "beam5", "test_other", 31.0)
    report(near)
    report(near, name="test_other")
    report(far)
    text = (near.parent / "RESULTS.md").read_text(encoding="utf-8")
    head, *sections = text.split("\n## msp_")
    assert f"\n- **msp_near**: {WARNING}.\n" in head
    assert head.count(WARNING) == 1  # not once per decoded set
    assert [WARNING in section for section in sections] == [False, True, True]
    page = (near / "report.html").read_text(encoding="utf-8")
    assert WARNING in page.partition('<div class="cards">')[0]
    assert WARNING in page.partition(f'<h3 id="method">{TITLE}</h3>')[2]
    assert WARNING not in (far / "report.html").read_text(encoding="utf-8")


def test_static_weights_are_not_warned_of(make_experiment, one_picture) -> None:
    folder = make_experiment(drift=0.0)

    def hold(record: dict) -> None:
        for level in record["levels"]:
            level |= {"combiner": "static", "moves": False}

    change_records(folder, hold)
    report(folder)
    text = (folder / "RESULTS.md").read_text(encoding="utf-8")
    assert WARNING not in text
    assert "| modo | – | 60 % |" in text
    assert "| 1 | static (nothing can move) | asr_fr 0.500 (0.500), asr_it 0.500 (0.500) |" in text


def test_a_run_without_a_soup_says_that_it_has_none(make_experiment, one_picture) -> None:
    folder = make_experiment()
    change_records(folder, forget_the_soup)
    (folder / "config.yaml").write_text("trainer: default\nseed: 1\n")
    training = report(folder)["training"]
    assert (training["method"], training["settings"], training["seed"]) == ([], {}, 1)
    text = (folder / "RESULTS.md").read_text(encoding="utf-8")
    assert "| joint | ASR×2 + ST×1 | static | – | – |" in text
    assert "`trainer: default` has no soup: its weights are settings and never move." in text
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<p>trainer: default has no soup" in page


def test_lines_that_an_earlier_release_published_are_still_rendered(
    make_experiment, tmp_path, one_picture
) -> None:
    recipe, folder = tmp_path / "recipe", make_experiment()
    recipe.mkdir()
    report(folder, "--publish_dir", str(recipe))
    line = json.loads((recipe / "results.jsonl").read_text(encoding="utf-8"))
    old = ("method", "signal_share", "raised", "raised_any", "measured_steps", "optimizer_steps")
    for key in (*old, "settings", "seed", "config"):
        del line["training"][key]
    line["name"] = "msp_old"
    static = {**line, "name": "msp_static"}
    static["training"] = line["training"] | {"soup": "joint", "order": None, "combiner": "static"}
    lines = [json.dumps(item) + "\n" for item in (line, static)]
    (recipe / "results.jsonl").write_text("".join(lines), encoding="utf-8")
    report(folder, "--publish_dir", str(recipe))
    text = (recipe / "RESULTS.md").read_text(encoding="utf-8")
    assert "| vm SA | ASR×2 > ST×1 | modo | not recorded | – |" in text
    assert "| joint | ASR×2 > ST×1 | static | – | – |" in text  # fixed weights, recorded or not
    section = text.partition("\n## msp_old")[2].partition("\n## ")[0]
    assert "The release that trained this did not record it." in section
