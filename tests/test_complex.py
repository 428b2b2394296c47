"""Complex values: every primitive of the registry, and the convention of their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.families import Elementwise
from autodiff.primitive import Case
from autodiff.registry import PRIMITIVES
from autodiff.tensor import apply
from tests import checks, derivative_checks
from tests.test_primitives import DIFFERENTIABLE, OPAQUE, cases_of
from tests.tolerances import assert_close


def check_values(primitive: Any, case: Any, dtype: Any) -> None:
    """The shape rule and the reference agree with the kernel, in both precisions."""
    for kind in (dtype, np.complex64):
        operands = checks.draw(primitive, case, kind)
        checks.compare_infer(primitive, operands, case.params)
        function = checks.reference(primitive)
        if function is not None:
            y = np.asarray(checks.kernel(primitive, operands, case.params))
            with np.errstate(all="ignore"):
                expected = function(*operands, **case.params)
            assert_close(y, expected, "reference", f"{primitive.name}: kernel in {kind}")


CHECKS = (
    check_values,
    checks.check_batch,
    derivative_checks.check_inner_product,
    derivative_checks.check_vjp,
    derivative_checks.check_second_order,
)


# Their complex vectors have phases that nothing determines, and random cotangents see these; what
# does not is checked in test_linalg.
FREE_PHASES = {"eigh", "svd"}
SUPPORTED = sorted({*DIFFERENTIABLE} - FREE_PHASES)


def refuses(primitive: Any, case: Any) -> bool:
    """Whether the kernel takes no complex operands; then the refusal is in words."""
    operands = checks.draw(primitive, case, np.complex128)
    try:
        checks.kernel(primitive, operands, case.params)
    except TypeError:
        which = [i for i, x in enumerate(operands) if np.iscomplexobj(x)]
        with pytest.raises(ad.DTypeError) as caught:
            apply(primitive, *checks.lift(operands, which), **case.params)
        assert primitive.name in str(caught.value) and "complex128" in str(caught.value)
        return True
    return False


# A float64 of complex numbers drops their imaginary parts, of which NumPy warns.
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize(("primitive", "case"), cases_of(SUPPORTED))
def test_every_primitive(primitive: Any, case: Any) -> None:
    if refuses(primitive, case):
        return
    for check in CHECKS:
        check(primitive, case, np.complex128)
    derivative_checks.check_float32(primitive, case, np.complex64)


def mixed_cases() -> list[Any]:
    """The first case of each primitive of several operands, one of them complex, the rest real."""
    found = []
    for name in sorted({*DIFFERENTIABLE} - OPAQUE):  # a user's rule takes real parts itself
        primitive = PRIMITIVES[name]
        real = checks.draw(primitive, primitive.cases[0])
        twisted = checks.draw(primitive, primitive.cases[0], np.complex128)
        moving = [i for i in checks.wanted(primitive, twisted) if np.iscomplexobj(twisted[i])]
        for i in moving if sum(map(np.iscomplexobj, twisted)) > 1 else ():
            operands = (*real[:i], twisted[i], *real[i + 1 :])
            case = Case(operands, primitive.cases[0].params)
            found.append(pytest.param(primitive, case, id=f"{name}-{i}"))
    return found


@pytest.mark.parametrize(("primitive", "case"), mixed_cases())
def test_mixed_operands(primitive: Any, case: Any) -> None:
    if refuses(primitive, case):
        return
    if primitive.name == "setitem" and np.iscomplexobj(case.operands[1]):
        with pytest.raises(ad.DTypeError, match="do not fit into float64"):
            apply(primitive, *case.operands, **case.params)
        return
    for check in CHECKS[2:]:
        check(primitive, case)


Z = np.array([1.0 + 2.0j, -0.5 - 1.0j, 0.25j])


def leaf(value: Any = Z) -> ad.Tensor:
    return ad.tensor(value, requires_grad=True)


@pytest.mark.parametrize(
    ("loss", "slope"),
    [
        (lambda z: ad.abs(z) ** 2, lambda z: 2 * z),
        (lambda z: ad.real(z), lambda z: np.ones(3, complex)),
        (lambda z: ad.imag(z), lambda z: np.full(3, 1j)),
        (lambda z: ad.real(ad.conj(z) * 3j), lambda z: np.full(3, 3j)),
        (lambda z: ad.real(z * z), lambda z: np.conj(2 * z)),
        (lambda z: ad.abs(z), lambda z: z / np.abs(z)),
        (lambda z: ad.angle(z), lambda z: 1j * z / np.abs(z) ** 2),
        (lambda z: ad.real(ad.sign(z)), lambda z: 1j * z * z.imag / np.abs(z) ** 3 * -1),
        (lambda z: ad.norm(z) ** 2, lambda z: 2 * z),
        (lambda z: ad.var(z) * 3, lambda z: 2 * (z - z.mean())),
    ],
)
def test_the_gradient_is_the_direction_of_steepest_ascent(loss: Any, slope: Any) -> None:
    z = leaf()
    total = loss(z).sum()
    assert total.dtype == np.float64
    got = ad.gradients(total, z)
    assert got.dtype == np.complex128
    assert_close(got, slope(Z), "reference", "gradient")
    total.backward()
    assert z.grad is not None
    assert_close(z.grad, slope(Z), "reference", "backward")


def test_a_gradient_has_the_dtype_of_its_input() -> None:
    a = leaf(np.array([1.0, 2.0], np.float32))
    z = leaf(np.array([1j, 2.0], np.complex64))
    for g, x in zip(ad.gradients(ad.abs(a * z + 1).sum(), (a, z)), (a, z), strict=True):
        assert g.dtype == x.dtype
    moved = ad.gradients(ad.imag(a.astype(complex) * 2j).sum(), a)
    assert moved.dtype == np.float32 and moved.data.tolist() == [2.0, 2.0]


def test_a_complex_output_takes_a_cotangent() -> None:
    z = leaf()
    with pytest.raises(ad.DTypeError, match=r"complex128, and only real values.*ad\.real"):
        ad.gradients((z * z).sum(), z)
    # The gradient of Re(y) is that of cotangent 1, the gradient of Im(y) that of i.
    y = (z * z).sum()
    for cotangent, part in ((1.0, ad.real), (1j, ad.imag)):
        got = ad.gradients(y, z, cotangents=cotangent)
        assert_close(got, ad.gradients(part(y), z).data, "same", "cotangent")
    with pytest.raises(ad.DTypeError, match="float64, its cotangent complex128"):
        ad.gradients(ad.abs(z).sum(), z, cotangents=1j)


def test_grad_takes_complex_arguments() -> None:
    assert ad.grad(lambda z: ad.abs(z) ** 2)(3 + 4j) == 6 + 8j
    with pytest.raises(ad.DTypeError, match="only real values have gradients"):
        ad.grad(lambda z: z * z)(1j)


def test_higher_orders() -> None:
    # L = |z|^4: gradient 4 |z|^2 z, and the gradient of <w, that> is 4 |z|^2 w + 8 z Re(conj(z) w).
    z, w = leaf(), np.array([1j, 2.0, 1.0 - 1.0j])
    first = ad.gradients((ad.abs(z) ** 4).sum(), z, create_graph=True)
    assert_close(first.data, 4 * np.abs(Z) ** 2 * Z, "reference", "first")
    second = ad.gradients(first, z, cotangents=w)
    expected = 4 * np.abs(Z) ** 2 * w + 8 * Z * (np.conj(Z) * w).real
    assert_close(second, expected, "reference", "second")


def test_what_is_absent_stays_so() -> None:
    z = leaf(np.array([0j, 4.0 + 0j]))
    kept = ad.where(ad.abs(z) > 0, ad.sqrt(z), 0.0)
    assert ad.gradients(ad.real(kept).sum(), z).data.tolist() == [0, 0.25]


@pytest.mark.parametrize("function", [ad.abs, ad.angle, ad.sign, ad.norm])
def test_at_the_origin_the_gradient_is_zero(function: Any) -> None:
    z = leaf(np.zeros(2, complex))
    first = ad.gradients(ad.real(function(z)).sum(), z, create_graph=True)
    assert first.data.tolist() == [0, 0]
    if first.requires_grad:
        again = ad.gradients(ad.real(first).sum(), z, unused="zeros")
        assert np.isfinite(again.data).all()


def test_rules_of_users_see_gradients() -> None:
    @ad.custom_vjp
    def square(z: Any) -> Any:
        return z * z

    @square.defvjp
    def rule(g: Any, y: Any, z: Any) -> Any:
        return g * ad.conj(2 * z)

    z = leaf()
    got = ad.gradients(ad.imag(square(z)).sum(), z)
    assert_close(got, ad.gradients(ad.imag(z * z).sum(), z).data, "same", "custom_vjp")


def test_parts_of_real_numbers() -> None:
    x = leaf([1.0, -2.0])
    assert ad.real(x) is not x and ad.real(x).data.tolist() == [1.0, -2.0]
    assert ad.conj(x).dtype == np.float64
    assert ad.imag(x).data.tolist() == [0.0, 0.0]
    assert ad.gradients(ad.imag(x).sum(), x).data.tolist() == [0.0, 0.0]
    assert ad.real([1j, 2]).tolist() == [0.0, 2.0]
    z = leaf()
    assert z.real.data.tolist() == Z.real.tolist() and z.imag.data.tolist() == Z.imag.tolist()
    assert z.conj().data.tolist() == z.conjugate().data.tolist() == Z.conj().tolist()


def test_casting_down_drops_the_imaginary_part_as_numpy_does() -> None:
    with pytest.warns(np.exceptions.ComplexWarning):
        x = leaf().astype(float)
    assert x.data.tolist() == Z.real.tolist()


@pytest.mark.parametrize("function", [ad.floor, ad.erf, lambda z: ad.hypot(z, z)])
def test_what_has_no_complex_form_says_so(function: Any) -> None:
    with pytest.raises(ad.DTypeError, match="not defined for complex128"):
        function(leaf())


def through(wrapped: Any) -> Any:
    """The gradient of Im(sum(wrapped(z)))."""
    z = leaf()
    return ad.gradients(ad.imag(wrapped(z)).sum(), z).data


def curve(z: Any) -> Any:
    return ad.exp(z) * z


SLOPE = np.exp(Z) * (1 + Z)


def test_transforms() -> None:
    w = np.array([1j, 2.0, 1.0 - 1.0j])
    _, t = ad.jvp(curve, (Z,), (w,))
    assert_close(t, SLOPE * w, "reference", "jvp")
    _, pull = ad.vjp(curve, Z)
    assert_close(pull(w)[0], np.conj(SLOPE) * w, "reference", "vjp")
    expected = np.conj(SLOPE) * 1j
    for wrapped in (curve, ad.checkpoint(curve), ad.vmap(curve)):
        assert_close(through(wrapped), expected, "reference", str(wrapped))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (ad.abs(ad.fft.fft(x)) ** 2).sum(),
        lambda x: ad.abs(ad.exp(x * 1j) + x).sum(),
        lambda x: ad.abs(ad.linalg.eigvals(ad.reshape(x, (2, 2)))).sum(),
    ],
)
def test_gradcheck_of_real_functions_through_complex_values(function: Any) -> None:
    assert ad.gradcheck(function, np.array([1.0, -0.5, 2.0, 0.3]), order=2)


def test_gradcheck_names_a_complex_rule_that_is_wrong() -> None:
    @ad.custom_vjp
    def square(z: Any) -> Any:
        return z * z

    @square.defvjp
    def rule(g: Any, y: Any, z: Any) -> Any:
        return g * (2 * z)  # not the conjugate

    report = ad.gradcheck(lambda x: ad.imag(square(ad.exp(x * 1j))).sum(), np.array([0.3, 1.0]))
    assert not report
    assert "square" in str(report) and "conjugate of the derivative" in str(report)


class Conjugating(Elementwise, register=False):
    """A planted fault: right for real numbers, the conjugate for complex ones."""

    name = "conjugating"
    kernel = np.sin
    products = (lambda g, x: g * ad.conj(ad.cos(x)),)
    intervals = ((-2.0, 2.0),)


def test_a_planted_conjugate_is_found() -> None:
    primitive, case = Conjugating(), Conjugating.cases[0]
    derivative_checks.check_vjp(primitive, case)
    with pytest.raises(AssertionError, match="conjugating: gradient"):
        derivative_checks.check_vjp(primitive, case, np.complex128)
