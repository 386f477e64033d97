"""Name the modes to compare, without building any."""

BASELINE = "joint_pooled"
APART = "joint"  # encoded like measured steps: by language, if the encoder allows it
JOINT = (BASELINE, APART)
MODES = (
    *JOINT,
    "exact_all",
    "pipelined_all",
    "selected",
    "selected_refresh8",
    "published",
    "torchjd_modo",
    "espnet_st",
)
SCALED_MODES = ("joint_pooled", "selected_refresh8")  # with several numbers of objectives
STEPS_PER_ROUND = 8  # a whole period of `refresh: 8`
