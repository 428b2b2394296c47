"""The code in the documents runs: every ```python block, in one namespace per document."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/gradcheck.md"]


def program(text: str) -> str:
    """The document with every line that is not Python blanked, so that line numbers stay right."""
    lines, inside = [], False
    for line in text.splitlines():
        fence = line.strip().startswith("```")
        lines.append("" if fence or not inside else line)
        if fence:
            inside = line.strip() == "```python" and not inside
    return "\n".join(lines) + "\n"


def run(source: str, name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # A process of its own: what a document defines (a primitive, a default dtype) ends with it.
    code = f"import sys; exec(compile(sys.stdin.read(), {name!r}, 'exec'), {{'__name__': 'doc'}})"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        input=source,
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
        check=False,
    )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_code_of_document_runs(document: str, tmp_path: Path) -> None:
    source = program((ROOT / document).read_text())
    assert source.strip(), f"{document} shows no code"
    done = run(source, document, tmp_path)
    assert done.returncode == 0, done.stderr


def test_failure_names_the_line_of_the_document(tmp_path: Path) -> None:
    text = "# Title\n\n```python\nx = 1\n```\n\n```sh\nnot python\n```\n\n```python\nx + y\n```\n"
    done = run(program(text), "page.md", tmp_path)
    assert done.returncode != 0
    assert 'File "page.md", line 12' in done.stderr
    assert "NameError" in done.stderr
