"""The page in a real browser: by mouse, keyboard and microphone, on a phone, by day and night."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet_soups import Speech2Text
from espnet_soups.demo.listener import Listener
from espnet_soups.demo.server import DemoServer
from espnet_soups.testing.audible_model import FS, pause, say
from espnet_soups.testing.browser import Browser, find_browser
from espnet_soups.testing.toy_corpus import ToyExperiment

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed")
SHOWN = "!document.querySelector('#result').hidden"
FAILED = "!document.querySelector('#error').hidden"
TEXT = "document.querySelector('{}').innerText"
# The least contrast of text with what lies behind it, as WCAG 2 computes it.
CONTRAST = """
(() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const found = numbers(getComputedStyle(node).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter((node) => node.offsetParent
    && [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
  return Math.min(...texts.map((node) => {
    const [a, b] = [light(numbers(getComputedStyle(node).color)), light(behind(node))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }));
})()
"""


@pytest.fixture(scope="module")
def served(audible: ToyExperiment) -> Iterator[DemoServer]:
    listener = Listener(Speech2Text.from_pretrained(audible.exp_dir), "msp_audible", 2.0, 30.0)
    with DemoServer(listener, "127.0.0.1", 0, 1_000_000) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recordings")
    long = np.concatenate([say("abcd", "fr"), pause(2.5), say("hgfe", "fr")])
    soundfile.write(root / "short.flac", say("hgfacb", "fr", rate=44100), 44100)
    soundfile.write(root / "long.wav", long, FS)
    soundfile.write(root / "silent.wav", np.zeros(FS), FS)
    soundfile.write(root / "hour.ogg", np.tile(say("abcdefgh", "fr"), 40), FS)
    (root / "words.wav").write_text("This is no audio.\n")
    (root / "huge.wav").write_bytes(b"x" * 1_000_001)
    speech = np.concatenate([pause(1.0), say("fbdg", "en", rate=FS), pause(1.0)])
    soundfile.write(root / "microphone.wav", speech, FS)
    return root


@pytest.fixture(scope="module")
def browser(
    served: DemoServer, recordings: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    microphone = recordings / "microphone.wav"
    switches = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    folder = tmp_path_factory.mktemp("browser")
    with Browser(folder, *switches, f"--use-file-for-fake-audio-capture={microphone}") as made:
        yield made


@pytest.fixture
def page(browser: Browser, served: DemoServer) -> Iterator[Browser]:
    """The page, just opened; a test that expects complaints of the browser takes them away."""
    browser.complaints.clear()
    browser.look(1280, 900, "light")
    browser.open(served.address)
    yield browser
    assert browser.complaints == []


def text(page: Browser, selector: str) -> str:
    """Return the visible text of an element."""
    return str(page.run(TEXT.format(selector)))


def test_a_file_shows_language_texts_and_words(page: Browser, recordings: Path):
    page.choose_file("#file", recordings / "short.flac")
    page.wait(SHOWN)
    assert text(page, "#spoken") == "Language: French (fr) – identified by the model."
    headings = "[...document.querySelectorAll('#texts h2')].map((node) => node.innerText)"
    assert page.run(headings) == ["Transcript", "Translation: English (en)"]
    assert text(page, ".said") == "hgfacb"
    words = "[...document.querySelectorAll('.word')].map((node) => node.innerText).join('')"
    assert page.run(words) == "hgfacb"
    lefts = page.run("[...document.querySelectorAll('.span')].map((node) => node.offsetLeft)")
    assert lefts == sorted(lefts)
    boxes = page.run(
        "[...document.querySelectorAll('.word')].map((node) => node.getBoundingClientRect())"
        ".map((box) => [box.left, box.right, box.top, box.bottom])"
    )
    for number, (left, right, top, bottom) in enumerate(boxes):
        for other in boxes[number + 1 :]:  # no word hides another
            assert right <= other[0] or left >= other[1] or bottom <= other[2] or top >= other[3]


def test_a_word_plays_the_recording_from_there(page: Browser, recordings: Path):
    page.choose_file("#file", recordings / "long.wav")
    page.wait(SHOWN)
    assert page.run("document.querySelectorAll('.piece').length") == 2
    assert text(page, ".piece:last-child figcaption").startswith("0:03.")
    page.wait("document.querySelector('#player').readyState >= 2")
    page.run("document.querySelector('.piece:last-child .word').click()")
    page.wait("document.querySelector('#player').played.length > 0")
    assert page.run("document.querySelector('#player').currentTime") > 3.0
    page.run("document.querySelector('#player').pause()")
    start = float(page.run("document.querySelector('.piece:last-child .word').title.split(' ')[0]"))
    page.run(f"document.querySelector('#player').currentTime = {start + 0.02}")
    page.wait("document.querySelector('.piece:last-child .word').ariaCurrent === 'true'")
    assert not page.run("document.querySelector('.piece:last-child .head').hidden")


def test_a_recording_that_is_paused_before_it_is_heard_is_no_failure(
    page: Browser, recordings: Path
):
    page.choose_file("#file", recordings / "short.flac")
    page.wait(SHOWN)
    page.run(
        "document.querySelector('.word').click(); document.querySelector('#player').pause();"
        "setTimeout(() => { document.body.dataset.later = 'yes'; }, 200)"
    )
    page.wait("document.body.dataset.later")
    assert page.run("document.querySelector('#error').hidden")


def test_another_language_sends_the_recording_again(page: Browser, recordings: Path):
    page.choose_file("#file", recordings / "short.flac")
    page.wait(SHOWN)
    page.run("document.querySelector('#language').value = 'en'")
    page.run("document.querySelector('#language').dispatchEvent(new Event('change'))")
    page.wait(f"{SHOWN} && document.querySelector('#spoken').innerText.includes('English')")
    assert text(page, "#spoken") == "Language: English (en) – as you chose."
    assert page.run("document.querySelectorAll('#texts h2').length") == 1  # no translation


@pytest.mark.parametrize(
    ("words", "note"),
    [
        ("[]", ""),  # nothing was recognised
        ("null", "This model does not say when each word was spoken."),
    ],
)
def test_only_a_model_without_times_is_said_to_have_none(
    page: Browser, recordings: Path, words: str, note: str
):
    piece = f'{{"start": 0, "end": 1, "text": "", "words": {words}, "peaks": [0, 1]}}'
    answer = f'{{"language": "fr", "text": "", "translations": {{}}, "pieces": [{piece}]}}'
    page.run(f"window.fetch = () => Promise.resolve(new Response({answer!r}))")
    page.choose_file("#file", recordings / "short.flac")
    page.wait(SHOWN)
    assert text(page, "#aligned-note") == note


def test_the_keyboard_reaches_everything(page: Browser, recordings: Path):
    page.choose_file("#file", recordings / "short.flac")
    page.wait(SHOWN)
    page.run("document.activeElement.blur()")
    reached = []
    for _ in range(40):
        page.press("Tab")
        reached.append(
            page.run("document.activeElement.id || document.activeElement.className || 'body'")
        )
    order = ["language", "file", "record", "player", "strip", "word"]
    firsts = [reached.index(name) for name in order]
    assert firsts == sorted(firsts)
    outlined = "document.querySelector('#language').focus();"
    outlined += "getComputedStyle(document.activeElement).outlineStyle"
    assert page.run(outlined) == "solid"
    page.run("document.querySelector('.word').focus()")
    page.press("Enter")
    page.wait("document.querySelector('#player').currentTime > 0.05")


def test_the_microphone_is_heard(page: Browser):
    page.run("document.querySelector('#record').focus()")
    page.press("Enter")
    page.wait("/^0:0[3-9]/.test(document.querySelector('#clock').innerText)")
    assert text(page, "#record") == "Stop"
    page.press("Enter")
    page.wait(f"{SHOWN} || {FAILED}")
    assert text(page, "#error") == ""
    # the file is played again and again, so the stop may cut it anywhere
    assert "fbdg" in text(page, ".said")
    assert "English" in text(page, "#spoken")
    assert text(page, "#record") == "Record"


def test_a_dropped_file_is_heard_in_a_format_that_only_the_browser_reads(
    page: Browser, recordings: Path
):
    # a WAV under a name of a phone's recorder goes through the browser's own decoder
    content = list((recordings / "short.flac").read_bytes())
    page.run(
        f"""(() => {{
          const file = new File([new Uint8Array({json.dumps(content)})], "memo.m4a");
          const dropped = new DataTransfer();
          dropped.items.add(file);
          document.querySelector('#drop').dispatchEvent(
            new DragEvent('drop', {{ dataTransfer: dropped, bubbles: true, cancelable: true }}));
        }})()"""
    )
    page.wait(f"{SHOWN} || {FAILED}")
    assert text(page, ".said") == "hgfacb"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("words.wav", r"words\.wav cannot be read: .*; choose a recording, such as WAV.*\."),
        ("silent.wav", r"silent\.wav is silent: its loudest sample .*\."),
        ("hour.ogg", r"hour\.ogg is 34 s long, but this page takes 30 s at most: .*\."),
        ("huge.wav", r"huge\.wav has 1 MB, but this page takes 1 MB at most: use .*\."),
    ],
)
def test_what_cannot_be_heard_is_said_in_one_sentence(
    page: Browser, recordings: Path, name: str, sentence: str
):
    page.choose_file("#file", recordings / name)
    page.wait(FAILED)
    assert re.fullmatch(sentence, text(page, "#error"))
    assert page.run("document.querySelector('#result').hidden")
    page.complaints.clear()  # the browser notes the status 400
    page.choose_file("#file", recordings / "short.flac")
    page.wait(SHOWN)
    assert page.run("document.querySelector('#error').hidden")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_is_legible(
    page: Browser, recordings: Path, tmp_path: Path, width: int, scheme: str
):
    page.look(width, 900, scheme)
    page.choose_file("#file", recordings / "long.wav")
    page.wait(SHOWN)
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run(CONTRAST) >= 4.5
    heights = "[...document.querySelectorAll('.button, select')].map((node) => node.offsetHeight)"
    assert min(page.run(heights)) >= 44
    sizes = "[...document.querySelectorAll('.word')].map((n) => [n.offsetWidth, n.offsetHeight])"
    assert np.min(page.run(sizes)) >= 24
    page.picture(tmp_path / f"{width}-{scheme}.png")
    page.run("document.querySelector('#player').pause()")


def test_a_server_that_is_gone_is_said(page: Browser, served: DemoServer, recordings: Path):
    page.run("window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))")
    page.choose_file("#file", recordings / "short.flac")
    page.wait(FAILED)
    assert text(page, "#error").startswith("The server cannot be reached: look at its terminal")


@pytest.mark.usefixtures("interruptible")
def test_the_command_serves_the_page(browser: Browser, audible: ToyExperiment):
    words = [sys.executable, "-m", "espnet_soups", "demo", str(audible.exp_dir), "--port", "0"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            found = re.fullmatch(r"The page is at (http://127\.0\.0\.1:\d+/) \(.*\)\n", line)
            assert found is not None, line
            browser.open(found[1])
            assert text(browser, "#model") == "msp_audible"
        finally:
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(30) == 130
            finally:
                process.kill()  # or leaving Popen would wait for ever
