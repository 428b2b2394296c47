"""``python -m benchmarks.size.measure NAME``: bytes by distribution, dependencies too, as JSON."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = "autodiff-nn"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def names(lines: Iterable[str]) -> list[str]:
    """The names in lines of requirements, those under extras left out."""
    plain = [line for line in lines if "extra ==" not in line]
    return [match[0] for line in plain if (match := _NAME.match(line))]


def size_of(found: Distribution) -> int:
    """Bytes of a distribution's files, without bytecode."""
    return total(Path(str(found.locate_file(file))) for file in found.files or ())


def total(paths: Iterable[Path]) -> int:
    """Bytes of the files among the paths, without bytecode."""
    whole = {path.resolve() for path in paths if path.suffix != ".pyc"}
    return sum(path.stat().st_size for path in whole if path.is_file())


def sizes(name: str) -> dict[str, int]:
    """Bytes by distribution, for one and all that it requires; ours need not be installed."""
    waiting, result = [name], {}
    if name == OURS:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        rooms = [path for room in ("autodiff", "nn") for path in (ROOT / room).rglob("*")]
        waiting, result[OURS] = names(project["dependencies"]), total(rooms)
    while waiting:
        key = re.sub("[-_.]+", "-", waiting.pop()).lower()
        if key in result:
            continue
        try:
            found = distribution(key)
        except PackageNotFoundError:
            if key == name:
                raise
            continue  # required only on another platform or by another Python
        result[key] = size_of(found)
        waiting += names(found.requires or ())
    return result


if __name__ == "__main__":
    print(json.dumps(sizes(sys.argv[1])))
