"""`python -m espnet_soups` is the command `espnet-soups`."""

from espnet_soups.bin.main import run

if __name__ == "__main__":
    run()
