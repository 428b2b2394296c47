"""Every primitive of the registry under every transform."""

from __future__ import annotations

from typing import Any

import pytest

from tests import transform_checks
from tests.test_primitives import DIFFERENTIABLE, NAMES, cases_of

DERIVATIVES = (
    transform_checks.check_vmap_of_grad,
    transform_checks.check_jvp,
    transform_checks.check_second_order,
)


@pytest.mark.parametrize(("primitive", "case"), cases_of(NAMES))
def test_vmap(primitive: Any, case: Any) -> None:
    transform_checks.check_vmap(primitive, case)


@pytest.mark.parametrize("check", DERIVATIVES, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("primitive", "case"), cases_of(DIFFERENTIABLE))
def test_derivative(primitive: Any, case: Any, check: Any) -> None:
    check(primitive, case)
