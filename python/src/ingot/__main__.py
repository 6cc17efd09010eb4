"""``python -m ingot …`` runs the program, wherever this package finds it."""

import os
import sys

from ._program import find
from .errors import IngotError


def main() -> None:
    """Becomes the program."""
    try:
        program = find()
        os.execv(program, ["ingot", *sys.argv[1:]])
    except (IngotError, OSError) as error:
        hint = getattr(error, "hint", None)
        sys.exit(f"ingot: error: {error}" + (f"\nhint: {hint}" if hint else ""))


if __name__ == "__main__":
    main()
