"""`python -m xrm_core.web build|watch`: make the browser assets; does nothing when the sources have not changed."""

from __future__ import annotations

import sys

from xrm_core.web import build


def main(arguments: list[str]) -> int:
    """Run one command and give its exit code."""
    command = arguments[0] if arguments else ""
    if command not in {"build", "watch"} or len(arguments) > 1:
        print("usage: python -m xrm_core.web build|watch", file=sys.stderr)
        return 2
    try:
        if command == "watch":
            build.watch()
        else:
            print(build.build())
    except build.BuildError as error:
        print(f"xrm: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
