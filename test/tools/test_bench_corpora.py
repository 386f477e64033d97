"""Tables and clips that are made up to time the preparation of CoVoST 2 by."""

import json

from espnet_soups.data.corpora.covost2_join import ClipStore
from tools.benchmark.corpora import main, write_tables


def test_the_benchmark_keeps_every_row_it_makes(capsys):
    main(["--rows", "300", "--clips", "2", "--seconds", "0.2"])
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["rows"] == 300
    assert result["clips_per_second"] > 0
    assert result["peak_mb"] >= result["start_mb"] > 0


def test_a_thousand_generated_rows_all_arrive(tmp_path):
    write_tables(tmp_path, 1000)
    store = ClipStore(tmp_path / "x.sqlite", "fr")
    report = store.join({"fr_en": tmp_path / "covost_v2.fr_en.tsv"}, tmp_path / "validated.tsv")
    items = list(store.utterances("train", ["en"]))
    store.close()
    assert len(items) == len({item.audio for item in items}) == 1000
    assert (report.repeated, report.malformed, report.not_validated) == (0, [], {})
    assert all(item.text.split()[-1] == item.translations["en"].split()[-1] for item in items)
