"""Where freed arrays go: kept by the process, since new pages cost more than arithmetic on them.

A training step frees and allocates the same arrays again and again. When it ends, the C library of
Linux (glibc) gives all that is free above twice the largest array back to the system, which must
clear each page anew for the next step: for arrays of megabytes that takes longer than to add two.
"""

from __future__ import annotations

import ctypes
import operator
import os
from typing import Any

__all__ = ["keep_freed_memory"]

# Numbers of options: malloc.h of glibc, mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_DEFAULT = 128 * 1024  # of both, mallopt(3)
_LARGEST = 32 * 1024 * 1024  # what glibc takes as the second on 64 bits; larger arrays go back
# A user who has said in the environment how to allocate is left alone.
_CHOSEN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "GLIBC_TUNABLES")


def keep_freed_memory(limit: int) -> bool:
    """Let the process keep what it freed, to use its memory again.

    ``import autodiff`` calls this with 1 GiB, unless the environment sets ``GLIBC_TUNABLES``,
    ``MALLOC_TRIM_THRESHOLD_``, ``MALLOC_MMAP_THRESHOLD_`` or ``MALLOC_MMAP_MAX_``.

    Parameters
    ----------
    limit : int
        Bytes, from 0 to 2³¹ − 1: what is free at the end of the heap goes back from here on. It is
        no bound on all that is kept: what is free between arrays that live stays too. Arrays above
        32 MiB always go back at once. With 0, all that can be goes back now, and from then on from
        128 KiB: sooner than without autodiff, where glibc adapts its thresholds; that cannot be
        restored, only kept by the environment.

    Returns
    -------
    bool
        Whether the C library took it (glibc: most of Linux).

    Raises
    ------
    TypeError, ValueError
        ``limit`` is no whole number, or out of range.

    Source: mallopt(3), M_TRIM_THRESHOLD and M_MMAP_THRESHOLD.

    >>> import autodiff as ad
    >>> kept = ad.keep_freed_memory(2**30)
    """
    limit = operator.index(limit)
    if not 0 <= limit < 2**31:
        raise ValueError(f"keep_freed_memory: limit is 0 to 2**31 - 1 bytes, got {limit}")
    library = _library()
    if library is None:
        return False
    taken = library.mallopt(_TRIM_THRESHOLD, limit or _DEFAULT)
    taken &= library.mallopt(_MMAP_THRESHOLD, _LARGEST if limit else _DEFAULT)
    if not limit:
        library.malloc_trim(0)
    return bool(taken)


def keep_by_default() -> None:
    """What ``import autodiff`` does."""
    if not any(name in os.environ for name in _CHOSEN):
        keep_freed_memory(2**30)


def _library() -> Any:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has no such name
        return None
    has_all = hasattr(library, "gnu_get_libc_version") and hasattr(library, "mallopt")
    return library if has_all else None
