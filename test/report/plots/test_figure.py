"""What all pictures have in common."""

import pytest

from espnet_soups.report.plots.figure import new_figure, style_context


@pytest.mark.parametrize("width", [4.2, 6.4, 9.2])
@pytest.mark.parametrize(
    "title",
    [
        "Scores, 95 % intervals\n" + "decode_greedy_valid.acc.ave/test_generated_snr0to15" * 2,
        "Weights λ at the end of each epoch (" + "W: alone on its level, λ = 1; " * 6 + ")",
    ],
)
def test_a_long_title_keeps_to_the_width_and_no_letter_of_it_is_lost(width, title) -> None:
    with style_context():
        figure = new_figure(width, 3.0, title)
        figure.subplots()
        figure.canvas.draw()
        (text,) = figure.texts
        box = text.get_window_extent()
    assert box.x0 >= 0.0
    assert box.x1 <= figure.bbox.width
    assert figure.get_suptitle().replace("\n", "").replace(" ", "") == title.replace(
        "\n", ""
    ).replace(" ", "")
