"""The modes that are compared, by name; known without building any."""

BASELINE = "joint_pooled"
MODES = (
    BASELINE,
    "joint",
    "exact_all",
    "pipelined_all",
    "selected",
    "selected_refresh4",
    "published",
    "torchjd_modo",
)
SCALED_MODES = ("joint_pooled", "selected_refresh4")  # with several numbers of objectives
STEPS_PER_ROUND = 4  # a whole period of `refresh: 4`
