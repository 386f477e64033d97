"""Write miniatures of public corpora: their folders, files and traps, with seconds of noise."""

import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

COMMON_VOICE_COLUMNS = "client_id path sentence up_votes down_votes age gender accent".split()  # noqa: SIM905


def write_noise(path: Path, seconds: float, fs: int, seed: int = 0, format: str = "") -> None:
    """Write an audio file of noise.

    Args:
        path: The file; its folder is made if missing.
        seconds: Its length.
        fs: Sampling rate, Hz.
        seed: Seed of the noise.
        format: Such as `MP3`; empty: by the ending of the name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = 0.1 * np.random.default_rng(seed).normal(size=int(seconds * fs))
    soundfile.write(str(path), noise, fs, format=format or None)


def write_common_voice(
    folder: Path,
    language: str,
    clips: Mapping[str, str],
    speakers: int = 3,
    fs: int = 48000,
    seconds: float = 0.3,
) -> None:
    """Write a language of Common Voice 4: MP3 clips and `validated.tsv`.

    Args:
        folder: Folder of the language.
        language: Its code, for the names of clips.
        clips: Number of a clip to its sentence.
        speakers: Speakers that read them in turn.
        fs: Sampling rate of the clips.
        seconds: Length of the shortest clip.
    """
    rows = ["\t".join(COMMON_VOICE_COLUMNS)]
    for index, (number, sentence) in enumerate(clips.items()):
        name = f"common_voice_{language}_{number}.mp3"
        write_noise(folder / "clips" / name, seconds + 0.02 * (index % 10), fs, index, "MP3")
        client = f"{index % speakers:0128x}"
        rows.append("\t".join([client, name, sentence, "2", "0", "", "", ""]))
    (folder / "validated.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")


def write_covost_table(
    folder: Path, direction: str, rows: Sequence[tuple[str, str, str]], packed: bool = False
) -> Path:
    """Write a table of CoVoST 2.

    Args:
        folder: The folder to write to.
        direction: Such as `fr_en`.
        rows: (number of the clip, translation, split).
        packed: Whether to pack it as `.tar.gz`, as it is published.

    Returns:
        The file.
    """
    source = direction.split("_")[0]
    name = f"covost_v2.{direction}.tsv"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["path\ttranslation\tsplit"]
    lines += [f"common_voice_{source}_{n}.mp3\t{text}\t{split}" for n, text, split in rows]
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    if packed:
        with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as tar:
            tar.add(path, arcname=name)
        path.unlink()
        return folder / f"{name}.tar.gz"
    return path


def write_librispeech(
    root: Path,
    speakers: Mapping[str, Mapping[str, str]],
    utterances: int = 2,
    seconds: float = 0.3,
) -> Path:
    """Write LibriSpeech as its archives leave it.

    Args:
        root: Gets `LibriSpeech/`.
        speakers: Subset to (speaker to `F` or `M`).
        utterances: Of each speaker; each has one chapter.
        seconds: Length of an utterance.

    Returns:
        The folder `LibriSpeech`.
    """
    folder = root / "LibriSpeech"
    lines = [";ID  |SEX| SUBSET           |MINUTES| NAME"]
    for subset, members in speakers.items():
        for speaker, sex in members.items():
            lines.append(f"{speaker:<5}| {sex} | {subset:<16} | 25.19 | Name of | {speaker}")
            chapter = folder / subset / speaker / f"{speaker}7"
            texts = []
            for number in range(utterances):
                key = f"{speaker}-{speaker}7-{number:04d}"
                write_noise(chapter / f"{key}.flac", seconds, 16000, number)
                texts.append(f"{key} IT'S LINE {'ABCDEFGH'[number % 8]} OF THE BOOK")
            (chapter / f"{speaker}-{speaker}7.trans.txt").write_text("\n".join(texts) + "\n")
    (folder / "SPEAKERS.TXT").write_text("\n".join(lines) + "\n")
    return folder


def write_aishell(
    root: Path,
    speakers: Mapping[str, Mapping[str, str]],
    texts: Sequence[str],
    nested: bool = True,
    seconds: float = 0.3,
) -> Path:
    """Write AISHELL-1 as its first unpacking leaves it: an archive for each speaker.

    Args:
        root: Gets `data_aishell/` and `resource_aishell/`.
        speakers: Set to (speaker to `F` or `M`).
        texts: Transcripts that each speaker reads; after them comes a recording without one.
        nested: Whether speakers are archives, or folders already.
        seconds: Length of an utterance.

    Returns:
        The folder `data_aishell`.
    """
    corpus = root / "data_aishell"
    lines, genders = [], []
    for split, members in speakers.items():
        for speaker, sex in members.items():
            genders.append(f"{speaker.removeprefix('S')} {sex}")
            folder = corpus / "wav" / split / speaker
            for number in range(len(texts) + 1):
                key = f"BAC009{speaker}W{number:04d}"
                write_noise(folder / f"{key}.wav", seconds, 16000, number)
                if number < len(texts):
                    lines.append(f"{key} {texts[number]}")
            if nested:
                with tarfile.open(corpus / "wav" / f"{speaker}.tar.gz", "w:gz") as tar:
                    tar.add(folder, arcname=f"{split}/{speaker}")
                for path in folder.iterdir():
                    path.unlink()
                folder.rmdir()
        if nested:
            (corpus / "wav" / split).rmdir()
    (corpus / "transcript").mkdir(parents=True)
    transcript = corpus / "transcript" / "aishell_transcript_v0.8.txt"
    transcript.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "resource_aishell").mkdir()
    (root / "resource_aishell" / "speaker.info").write_text("\n".join(genders) + "\n")
    return corpus
