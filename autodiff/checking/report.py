"""The report of a gradient check: what was compared, how well, what is wrong and where, and what
the check could not have seen."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from autodiff.checking.show import as_html, as_text
from autodiff.errors import GradientError

RIGHT, WRONG, UNCLEAR, UNUSED, FROZEN = "ok", "WRONG", "unclear", "unused", "frozen"


@dataclass(frozen=True)
class Entry:
    """The comparison for one input or parameter.

    Attributes
    ----------
    name, kind, shape
        ``kind`` is "input" or "parameter".
    size : int
        How many real numbers it has: a complex number is two.
    checked : int
        How many of them were compared one by one.
    directions : int
        How many random directions were compared, each of which covers all numbers together.
    max_abs, max_rel : float
        The largest difference, and the largest in units of the largest derivative.
    sensitivity : float
        The smallest error of any one entry that would have been seen, in the same units.
    power : float
        The smallest relative error of the whole gradient that would have been seen.
    worst : tuple of int, str or None
        Index of the comparison that was worst measured by its tolerance, or the direction.
    part : str
        "real" or "imag" where that is one part of a complex number.
    analytic, numeric, noise : float
        The two derivatives there, and the measured noise of both.
    error, allowed : float
        Their difference, and the difference that noise and kinks explain, in units of the largest
        derivative.
    slope : float
        How the Taylor remainder of the gradient falls with the step, along a random direction: as
        its square (2) where the gradient is right, in proportion (1) where it is not. NaN where
        rounding hides it, as in a linear function; an error below 1e-4 does not show.
    own : float or None
        The largest difference of the gradient in the model's own dtype, in units of the largest
        derivative; None where that is float64 or complex128.
    verdict : str
        "ok", "WRONG", "unclear" (the function is too noisy or has a kink here: nothing can be
        said), "unused" (nothing depends on it, and its gradient says so) or "frozen" (it needs
        no gradient).
    note : str
        A sentence where the verdict needs one.
    order : int
        2 for the derivative of the gradient.
    dtype : str
        The user's own.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    size: int
    verdict: str
    checked: int = 0
    directions: int = 0
    max_abs: float = 0.0
    max_rel: float = 0.0
    sensitivity: float = 0.0
    power: float = math.inf
    worst: tuple[int, ...] | str | None = None
    analytic: float = math.nan
    numeric: float = math.nan
    noise: float = math.nan
    error: float = math.nan
    allowed: float = math.nan
    slope: float = math.nan
    own: float | None = None
    note: str = ""
    order: int = 1
    part: str = ""
    dtype: str = "float64"

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against this gradient."""
        return self.verdict in (RIGHT, UNUSED, FROZEN)


@dataclass(frozen=True)
class Culprit:
    """The operation whose derivative rule is wrong at the values it was recorded with.

    Attributes
    ----------
    primitive : str
        Its name; a function under ``custom_vjp`` goes by its own.
    line : tuple of str and int, or None
        File and line of the call.
    module : str
        The scope it was called in, ``"encoder.0"``.
    input : str
        The operand that gets a wrong gradient.
    index : tuple of int or None
        Where in that operand the gradient is farthest off.
    part : str
        "real" or "imag" where that is one part of a complex number.
    analytic, numeric, error : float
        Both derivatives there; the difference in units of the operand's largest derivative.
    diagnosis : str
        What is wrong, in words.
    """

    primitive: str
    line: tuple[str, int] | None
    module: str
    input: str
    index: tuple[int, ...] | None
    analytic: float
    numeric: float
    error: float
    diagnosis: str
    part: str = ""


@dataclass(frozen=True)
class Kink:
    """An operation that has no derivative at this point, in ``count`` of its entries.

    ``width`` is how far the derivative of the checked number may differ for it.
    """

    primitive: str
    line: tuple[str, int] | None
    module: tuple[str, ...]
    count: int
    width: float
    node: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Mutant:
    """A rule that was made wrong on purpose, and whether the check saw it."""

    primitive: str
    line: tuple[str, int] | None
    module: str
    input: str
    fault: str
    seen: bool


@dataclass(frozen=True)
class Report:
    """What ``gradcheck`` found. True in a condition if every gradient is right.

    Attributes
    ----------
    entries : tuple of Entry
    function : str
    culprits : tuple of Culprit
        The operations with wrong rules, the one with the largest effect first.
    kinks : tuple of Kink
    mutants : tuple of Mutant, or None
        None where ``mutate`` was not asked for.

    >>> import autodiff as ad
    >>> report = ad.gradcheck(lambda x: ad.sin(x) * x, [0.5, 1.0])
    >>> report.ok, report.verdict, report.entries[0].verdict
    (True, 'correct', 'ok')
    """

    entries: tuple[Entry, ...]
    function: str = "f"
    culprits: tuple[Culprit, ...] = ()
    kinks: tuple[Kink, ...] = ()
    mutants: tuple[Mutant, ...] | None = None
    order: int = 1
    seed: int = 0

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return all(entry.ok for entry in self.entries)

    @property
    def verdict(self) -> str:
        """``"correct"``, ``"wrong"``, or ``"inconclusive"`` (noise, or kinks that cancel)."""
        if any(entry.verdict == WRONG for entry in self.entries):
            return "wrong"
        return "correct" if self.ok else "inconclusive"

    @property
    def culprit(self) -> Culprit | None:
        """The operation with the wrong rule; None where all are right, or none could be named."""
        return self.culprits[0] if self.culprits else None

    @property
    def power(self) -> float:
        """The smallest relative error of any one gradient that this check would have caught.

        A gradient of zeros has no relative error, and is left out.
        """
        compared = [e.power for e in self.entries if math.isfinite(e.power)]
        return max(compared, default=math.inf)

    @property
    def unseen(self) -> tuple[Mutant, ...]:
        """The planted faults that the check would have missed."""
        return tuple(m for m in self.mutants or () if not m.seen)

    def __bool__(self) -> bool:
        return self.ok

    def raise_if_wrong(self) -> None:
        """Raise a GradientError that holds the report, unless every gradient is right."""
        if not self.ok:
            raise GradientError(f"\n{self}")

    def to_dict(self) -> dict[str, Any]:
        """Everything in it as plain numbers, texts, lists and dicts.

        >>> import autodiff as ad
        >>> ad.gradcheck(ad.sin, 0.5).to_dict()["verdict"]
        'correct'
        """
        kinks = [asdict(replace(k, node=None)) for k in self.kinks]
        for k in kinks:
            del k["node"]
        return {
            "function": self.function,
            "verdict": self.verdict,
            "power": self.power,
            "order": self.order,
            "seed": self.seed,
            "entries": [asdict(e) for e in self.entries],
            "culprits": [asdict(c) for c in self.culprits],
            "kinks": kinks,
            "mutants": None if self.mutants is None else [asdict(m) for m in self.mutants],
        }

    def headline(self) -> str:
        """One line: how many gradients are right, and how much was compared."""
        right = sum(entry.ok for entry in self.entries)
        numbers = sum(entry.size for entry in self.entries if entry.verdict != FROZEN)
        singly = sum(entry.checked for entry in self.entries)
        directions = sum(entry.directions for entry in self.entries)
        text = f"{right} of {len(self.entries)} right; {singly:,} of {numbers:,} one by one"
        rest = f", and all together in {directions} random directions" if directions else ""
        return f"gradcheck {self.function}: {self.verdict}; {text}{rest}"

    def __str__(self) -> str:
        return as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(self)
