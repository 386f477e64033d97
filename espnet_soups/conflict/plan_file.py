"""A plan as part of a training configuration, with its reasons as comments."""

import textwrap

import yaml

from espnet_soups.conflict.planner import Plan

WIDTH = 100


def render_plan(plan: Plan, table: str, checkpoint: str) -> str:
    """Return the YAML of a plan.

    Args:
        plan: The plan.
        table: Path of the table that it comes from.
        checkpoint: Name of the checkpoint that it is based on.
    """
    comments = [f"Planned from {table}, checkpoint {checkpoint}:", *plan.reasons]
    lines = [
        line
        for comment in comments
        for line in textwrap.wrap(comment, WIDTH, initial_indent="# ", subsequent_indent="#   ")
    ]
    settings = {"trainer": "msp", "trainer_conf": plan.settings()}
    body = yaml.safe_dump(settings, sort_keys=False, default_flow_style=None, width=WIDTH)
    return "\n".join([*lines, body])
