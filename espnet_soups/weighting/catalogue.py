"""Sources of the combiners, and reasons why some are not offered; no import of torch."""

from collections.abc import Mapping

# Name in YAML -> paper.
SOURCES: Mapping[str, str] = {
    "aligned_mtl": "Senushkin et al., CVPR 2023",
    "cagrad": "Liu et al., NeurIPS 2021",
    "config": "Liu et al., ICLR 2025",
    "constant": "`static` whose `weights` must be given",
    "cosmos": "Ruchte and Grabocka, ICDM 2021",
    "cr_mogm": "Zhou et al., NeurIPS 2022: smooths the weights of `base`",
    "dualproj": "Lopez-Paz and Ranzato, NeurIPS 2017",
    "dwa": "Liu et al., CVPR 2019",
    "famo": "Liu et al., NeurIPS 2023",
    "fairgrad": "Ban and Ji, ICML 2024: alpha 1 is proportional fairness",
    "geometric_mean": "Chennupati et al., CVPRW 2019",
    "gradvac": "Wang et al., ICLR 2021",
    "imtl_g": "Liu et al., ICLR 2021",
    "imtl_l": "Liu et al., ICLR 2021",
    "krum": "Blanchard et al., NeurIPS 2017",
    "mean": "uniform weights",
    "measure_only": "`static`, but its steps are measured, for the record",
    "mgda": "Desideri, 2012; Sener and Koltun, NeurIPS 2018",
    "modo": "Chen et al., JMLR 2024, eq. 2.9",
    "nash_mtl": "Navon et al., ICML 2022",
    "pbi": "Zhang and Li, 2007",
    "pcd": "TMLR 2026, arXiv:2606.29521: the first of its level is the primary one",
    "pcgrad": "Yu et al., NeurIPS 2020",
    "random": "Lin et al., TMLR 2022",
    "sdmgrad": "Xiao et al., NeurIPS 2023",
    "static": "the baseline: weights stay as they start",
    "stch": "Lin et al., ICML 2024",
    "sum": "uniform weights",
    "upgrad": "Quinton and Rey, 2024",
    "uw": "Kendall et al., CVPR 2018",
}
STATIC = ("static", "constant", "measure_only")  # their weights are fixed, and may be set
# Name -> the extra of TorchJD that it needs; our own extra installs them all.
EXTRA = "espnet-soups[combiners]"
PACKAGES: Mapping[str, str] = {
    "cagrad": "torchjd[cagrad]",
    "dualproj": "torchjd[quadprog_projector]",
    "upgrad": "torchjd[quadprog_projector]",
}
_ELEMENTS = (
    "it looks at single elements of the gradient rows, and a level shows their products only"
)
REFUSED: Mapping[str, str] = {
    "excess_mtl": f"{_ELEMENTS}; it would also keep m times n numbers in every checkpoint",
    "graddrop": _ELEMENTS,
    "trimmed_mean": _ELEMENTS,
}
