"""Does a data dir have what the objectives need?"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from espnet_soups.data.data_dir import NO_LABEL, DataDir
from espnet_soups.objectives.objective import Objective


def count_labels(data: DataDir, objectives: Sequence[Objective], least: int = 1) -> Counter[str]:
    """Counts the labels of each objective.

    Args:
        data: A set.
        objectives: The objectives of the run.
        least: Utterances that each language must have: a training step takes two.

    Returns:
        Number of labels by the name of the objective.

    Raises:
        ValueError: If an utterance speaks an unknown language, a label file is missing, an
            objective has no label, or a language too few utterances.
    """
    spoken = {objective.language for objective in objectives}
    strangers = {lang: key for key, lang in data.languages.items() if lang not in spoken}
    if strangers:
        language, key = next(iter(strangers.items()))
        raise ValueError(
            f"{data.path / 'utt2lang'}: {key} has language {language!r}, but the run has"
            f" {sorted(spoken)}; name it in `--asr_langs` or `--st_pairs`, or remove its"
            " utterances."
        )
    spoken_by = Counter(data.languages.values())
    for language, number in spoken_by.items():
        if number < least:
            raise ValueError(
                f"{data.path} has {number} utterance of {language}, but every step of training"
                f" takes {least} of each language: add some, or leave the language out."
            )
    counts: Counter[str] = Counter()
    for objective in objectives:
        name = objective.label.replace("_", ".", 1)
        if name not in data.labels:
            raise ValueError(
                f"{data.path} has no {name}, which {objective.name} needs: one line `key label`"
                f" per utterance, `{NO_LABEL}` where there is no label."
            )
        counts[objective.name] = sum(
            1
            for key, label in data.labels[name].items()
            if label != NO_LABEL and data.languages[key] == objective.language
        )
        if counts[objective.name] == 0:
            raise ValueError(
                f"{data.path / name} has no label of {objective.name}: add some, or leave the"
                " objective out of `--asr_langs` and `--st_pairs`."
            )
    return counts


def check_audio(data: DataDir) -> None:
    """Looks whether every audio file is there and is not empty.

    Raises:
        FileNotFoundError: If some are not; the message counts them and names the first.
        ValueError: If an entry is a Kaldi pipe.
    """
    pipes = [key for key, audio in data.audio.items() if audio.endswith("|")]
    if pipes:
        raise ValueError(
            f"{data.path / 'wav.scp'}: {pipes[0]} is a pipe (`... |`), and pipes are not run: write"
            " plain paths of audio files; stage 3 decodes FLAC, MP3, OGG and WAV itself."
        )
    missing = [key for key, audio in data.audio.items() if not _has_content(Path(audio))]
    if missing:
        raise FileNotFoundError(
            f"{data.path / 'wav.scp'}: {len(missing)} of {len(data.audio)} audio files do not exist"
            f" or are empty; the first is {data.audio[missing[0]]} ({missing[0]});"
            " put them there, or take their lines out of all files of the folder."
        )


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
