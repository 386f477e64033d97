"""The 16-bit format of mixed precision (`use_amp: true`)."""

import torch
from espnet2.train import trainer


def choose_half_precision() -> None:
    """Let ESPnet's autocast take float16 where the GPU has no bfloat16 of its own.

    ESPnet takes bfloat16 wherever PyTorch can compute with it. On GPUs before the A100, such as
    V100 and T4, PyTorch emulates it, while their tensor cores know float16.
    """
    if torch.cuda.is_available() and not torch.cuda.is_bf16_supported(including_emulation=False):
        trainer.autocast_args.pop("dtype", None)  # PyTorch's own default is float16
