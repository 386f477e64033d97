#!/usr/bin/env python3
"""Asterisk prompts with ESPnet 3; see docs/espnet3.md."""

from espnet3.systems.launch import launch

from espnet_soups.espnet3.system import MSPSystem

if __name__ == "__main__":
    launch(MSPSystem, conf_package="espnet_soups.espnet3")
