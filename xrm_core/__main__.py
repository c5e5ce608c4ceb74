"""The entry point of the command `xrm`."""

from __future__ import annotations

from xrm_core.cli.main import run


def main() -> None:
    """Run the command line."""
    run()


if __name__ == "__main__":
    main()
