"""Time our decoding and stock ESPnet's of the same utterances in turn."""

import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from espnet_soups.data.speech_source import SpeechSource
from espnet_soups.inference.decode_set import decode_set
from espnet_soups.inference.load_model import load_model
from espnet_soups.inference.speech2text import Speech2Text
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.objectives.decoding.decode_config import read_decode_config
from espnet_soups.objectives.heads.shared_head import inner_head
from espnet_soups.objectives.objective import Objective
from tools.benchmark.measure import median_ratio
from tools.benchmark.some_utterances import choose_utterances, open_source
from tools.benchmark.stock_decoding import StockDecoding

TASKS = {"asr": "recognition", "st": "translation"}
BOTH = "both"
CTC_WEIGHT = 0.3  # of recognition by heads that have a decoder, too
Texts = dict[str, str]  # "objective utterance" to text


@dataclass(frozen=True)
class DecodingCost:
    """Cost of decoding the same utterances with stock ESPnet and here.

    Attributes:
        task: `recognition`, `translation` or `both`.
        utterances: Number of utterances.
        audio_seconds: Their length.
        stock_cpu: CPU seconds of ESPnet per second of speech, median of the rounds.
        own_cpu: CPU seconds of ours per second of speech, median of the rounds.
        cpu_ratio: Median ratio of ESPnet's CPU seconds to ours.
        wall_ratio: Median ratio of ESPnet's seconds to ours.
        different: Objective and utterance of texts that differ.
    """

    task: str
    utterances: int
    audio_seconds: float
    stock_cpu: float
    own_cpu: float
    cpu_ratio: float
    wall_ratio: float
    different: list[str]


@dataclass
class Turns:
    """CPU seconds, seconds and texts of one side.

    Attributes:
        cpu: CPU seconds of each round.
        wall: Seconds of each round.
        texts: The texts of the last round.
    """

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    texts: Texts = field(default_factory=dict)

    def take(self, decode: Callable[[], Texts]) -> None:
        """Time one decoding.

        Args:
            decode: Function that decodes all utterances.
        """
        cpu, wall = time.process_time(), time.perf_counter()
        self.texts = decode()
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)

    def plus(self, other: "Turns") -> "Turns":
        """Return the turns of two sides that decode one after the other.

        Args:
            other: The second side.
        """
        cpu = [a + b for a, b in zip(self.cpu, other.cpu, strict=True)]
        wall = [a + b for a, b in zip(self.wall, other.wall, strict=True)]
        return Turns(cpu, wall, self.texts | other.texts)


def compare_decoding(
    exp_dir: Path,
    set_dir: Path,
    utterances: int,
    rounds: int,
    options: Mapping[str, int],
    progress: Callable[[int], None],
) -> list[DecodingCost]:
    """Decode utterances of all languages with stock ESPnet and here.

    Args:
        exp_dir: The folder that training wrote.
        set_dir: Folder with utt2lang and feats.scp or wav.scp.
        utterances: Utterances of each language, taken at equal distances.
        rounds: Turns of each side.
        options: `beam_size` and `batch_size`.
        progress: Function that is called with the number of every finished round.

    Returns:
        The cost of recognition, of translation, and of both at once, as far as the model has them.

    Raises:
        OSError: If a file is missing.
        ValueError: If the model has neither, or an objective has no stock model.
    """
    logging.getLogger("espnet2.legacy.nets").setLevel(logging.ERROR)  # lengths that are cut off
    model, args = load_model(exp_dir)
    tasks = find_tasks(model)
    heads = [inner_head(model.heads[item.name]) for item in tasks.get("asr", ())]
    hybrid = any(head.decoder is not None for head in heads)
    method = "hybrid" if hybrid else "ctc_prefix"
    config = read_decode_config({"asr_method": method, "ctc_weight": CTC_WEIGHT, **options})
    chosen = {TASKS[task]: [item.name for item in own] for task, own in tasks.items()}
    if len(chosen) > 1:
        chosen[BOTH] = [name for names in chosen.values() for name in names]
    own = {task: Speech2Text(model, args, config, names) for task, names in chosen.items()}
    every = list(own.values())[-1]
    source = open_source(set_dir, every)
    spoken = choose_utterances(source, set_dir / "utt2lang", every.languages, utterances)
    weights = {"asr": CTC_WEIGHT if hybrid else 1.0, "st": 0.0}
    ours = {task: Turns() for task in own}
    theirs = {TASKS[task]: Turns() for task in tasks}
    with tempfile.TemporaryDirectory() as exported:
        stock = {
            TASKS[task]: StockDecoding(
                exp_dir, Path(exported), objectives, options["beam_size"], weights[task]
            )
            for task, objectives in tasks.items()
        }
        for number in range(1, rounds + 1):
            for task, decoding in stock.items():
                theirs[task].take(partial(decoding, source, spoken))
            for task, speech2text in own.items():
                ours[task].take(partial(decode_own, speech2text, source, spoken))
            progress(number)
    audio = decode_set(every, source, spoken)[1].audio_seconds or float("nan")
    if BOTH in ours:
        theirs[BOTH] = theirs["recognition"].plus(theirs["translation"])
    count = sum(map(len, spoken.values()))
    return [compare_turns(task, theirs[task], ours[task], count, audio) for task in own]


def find_tasks(model: MSPModel) -> dict[str, list[Objective]]:
    """Return the objectives that recognise and those that translate, by name of their kind.

    Args:
        model: The model.

    Raises:
        ValueError: If it has neither.
    """
    found: dict[str, list[Objective]] = {}
    for objective in model.objectives:
        if objective.kind in TASKS:
            found.setdefault(objective.kind, []).append(objective)
    if not found:
        names = [objective.name for objective in model.objectives]
        raise ValueError(f"This model neither recognises nor translates: it has {names}.")
    return found


def decode_own(
    speech2text: Speech2Text, source: SpeechSource, spoken: Mapping[str, list[str]]
) -> Texts:
    """Decode utterances as stage 11 does.

    Args:
        speech2text: The model.
        source: The speech.
        spoken: Language to utterance ids; those of languages that it does not decode are left out.
    """
    grouped = {lang: keys for lang, keys in spoken.items() if lang in speech2text.languages}
    found, _ = decode_set(speech2text, source, grouped)
    return {
        f"{name} {key}": hypotheses[0].text
        for name, own in found.items()
        for key, hypotheses in own.items()
    }


def compare_turns(
    task: str, stock: Turns, own: Turns, utterances: int, audio_seconds: float
) -> DecodingCost:
    """Return the cost of a task on both sides.

    Args:
        task: Name of the task.
        stock: The turns of ESPnet.
        own: Our turns.
        utterances: Number of utterances.
        audio_seconds: Their length.

    Raises:
        ValueError: If both sides did not decode the same utterances.
    """
    if stock.texts.keys() != own.texts.keys():
        missing = sorted(stock.texts.keys() ^ own.texts.keys())
        raise ValueError(f"Only one side has decoded {len(missing)} texts: {missing[:3]}.")
    return DecodingCost(
        task=task,
        utterances=utterances,
        audio_seconds=round(audio_seconds, 2),
        stock_cpu=statistics.median(stock.cpu) / audio_seconds,
        own_cpu=statistics.median(own.cpu) / audio_seconds,
        cpu_ratio=median_ratio(stock.cpu, own.cpu),
        wall_ratio=median_ratio(stock.wall, own.wall),
        different=[name for name, text in stock.texts.items() if text != own.texts[name]],
    )
