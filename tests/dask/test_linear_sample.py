"""Where the linear classifier on Dask starts, and what its fit costs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

distributed = pytest.importorskip("distributed", reason="needs skfocal[dask]")

from skfocal._compute.threads import max_threads  # noqa: E402
from skfocal.dask import _linear_blocks, _linear_problem, _linear_sums  # noqa: E402
from skfocal.dask._linear_blocks import Kind, sums_of_block  # noqa: E402
from skfocal.dask._linear_problem import ClassTotals, DaskLinearProblem  # noqa: E402
from skfocal.dask._linear_sums import threads_per_block  # noqa: E402
from skfocal.dask._rows import GivenRows  # noqa: E402
from skfocal.linear_model import _fit  # noqa: E402
from skfocal.linear_model._design import as_design  # noqa: E402
from skfocal.linear_model._problem import LinearProblem  # noqa: E402
from skfocal.linear_model._sums import LossSums  # noqa: E402
from skfocal.loss import FocalLoss  # noqa: E402
from tests.dask.linear_data import (  # noqa: E402
    assert_same_fit,
    fit_both,
    make_data,
    on_dask,
)

pytestmark = pytest.mark.distributed
NAMES = ("X", "y", "sample_weight")


def both_problems(client, n_classes, weighted, *, to_blocks=None):
    """The same problem on a cluster and here."""
    X, y, weight = make_data(n_classes=n_classes)
    weight = weight + 0.1 if weighted else None
    dX, dy, *dw = on_dask(*(a for a in (X, y, weight) if a is not None))
    dX = dX if to_blocks is None else dX.map_blocks(to_blocks)
    given = GivenRows.of(client, dX, dy, dw[0] if dw else None, NAMES)
    totals = ClassTotals(
        np.array([c.of(np.arange(n_classes)).n_rows for c in given.block_counts]),
        given.counts.weights,
        given.counts.weights,
    )
    rows = given.encoded(np.arange(n_classes), None)
    words = (FocalLoss(link="posterior"), n_classes, 2.0, 0.0, True)
    design = as_design(X if to_blocks is None else to_blocks(X))
    here = LinearProblem(design, y.astype(np.int32), weight, *words)
    return DaskLinearProblem.of(rows, totals, *words), here


@pytest.mark.parametrize("random_state", [None, 3])
@pytest.mark.parametrize(
    ("n_classes", "weighted", "to_blocks"),
    [(2, True, None), (3, False, None), (3, True, sparse.csr_matrix)],
)
def test_a_sample_has_the_same_rows(
    client, n_classes, weighted, to_blocks, random_state
):
    problem, here = both_problems(client, n_classes, weighted, to_blocks=to_blocks)
    found = problem.sample(100, random_state)
    expected = here.sample(100, random_state)
    assert 100 <= found.n_rows < 100 + n_classes
    for sample in (found, expected):
        assert type(sample.design) is type(here.design)
    dense = [
        s.design.X.toarray() if to_blocks else s.design.X for s in (found, expected)
    ]
    assert_array_equal(*dense)
    assert_array_equal(found.codes, expected.codes)
    assert_allclose(found.weight, expected.weight, rtol=1e-15)


@pytest.mark.parametrize("to_blocks", [None, sparse.csr_matrix])
def test_moments_of_all_blocks(client, to_blocks):
    problem, here = both_problems(client, 2, True, to_blocks=to_blocks)
    for found, expected in zip(problem.moments(), here.moments(), strict=True):
        assert_allclose(found, expected, rtol=1e-12)
    assert_allclose(problem.total(), here.total(), rtol=1e-14)
    assert problem.work == here.design.work


@pytest.mark.parametrize("random_state", [None, 0])
def test_many_rows_start_from_a_sample(client, random_state, monkeypatch):
    monkeypatch.setattr(_fit, "_MIN_SAMPLE_ROWS", 100)
    X, y, weight = make_data(n=2000)
    fits = fit_both(X, y, weight, tol=1e-6, random_state=random_state)
    assert_same_fit(*fits, rtol=1e-9)


def test_a_sample_fits_in_the_memory_of_the_client(client, monkeypatch):
    problem, _ = both_problems(client, 2, False)
    monkeypatch.setattr(_linear_problem, "_MAX_SAMPLE_BYTES", 50 * 4 * 8)
    assert problem.max_sample_rows == 50


def trips_of(problem, solver, monkeypatch):
    """Fit, and return how often the client waits for the sums of the blocks."""
    trips, gather = [], _linear_sums.gather

    def counted(client, futures):
        trips.append(len(futures))
        return gather(client, futures)

    monkeypatch.setattr(_linear_sums, "gather", counted)
    fit = _fit.fit_linear(problem, solver=solver, tol=1e-8)
    assert set(trips) == {4}
    return len(trips), fit.n_iter


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_hessian_comes_with_the_gradient(client, n_classes, monkeypatch):
    problem, _ = both_problems(client, n_classes, False)
    trips, n_iter = trips_of(problem, "trust-exact", monkeypatch)
    # The start, its Hessian, and then one of each iteration.
    assert trips <= n_iter + 2


def test_curvature_is_kept_for_products(client, monkeypatch):
    problem, _ = both_problems(client, 2, False)
    evaluations, evaluate = [], _linear_sums.DaskLossSums.evaluate

    def counted(self, *point):
        evaluations.append(point)
        return evaluate(self, *point)

    monkeypatch.setattr(_linear_sums.DaskLossSums, "evaluate", counted)
    products = problem.objective(problem.penalty(), problem.scaling())
    theta = np.linspace(-0.3, 0.3, products.size)
    for _ in range(3):
        products.hessian_product(theta, np.ones(products.size))
    assert len(evaluations) == 1


def test_products_are_of_the_point_that_is_asked_for(client):
    problem, here = both_problems(client, 3, True)
    found, expected = (p.objective(p.penalty(), p.scaling()) for p in (problem, here))
    vector = np.cos(np.arange(expected.size))
    # Back and forth: with what was kept of a point, and without.
    for scale in (0.0, 0.3, 0.3, -0.5, 0.0):
        theta = scale * np.sin(np.arange(expected.size))
        args = (theta, vector)
        assert_allclose(
            found.hessian_product(*args), expected.hessian_product(*args), rtol=1e-9
        )
        assert_allclose(
            found.hessian(theta), expected.hessian(theta), rtol=1e-9, atol=1e-14
        )


def unaligned(array):
    """A copy whose first number lies at no multiple of its size."""
    buffer = np.empty(array.nbytes + 1, dtype=np.uint8)[1:]
    copy = buffer.view(array.dtype).reshape(array.shape)
    copy[...] = array
    assert not copy.flags.aligned
    return copy


@pytest.mark.parametrize("to_block", [np.asarray, sparse.csr_matrix])
def test_blocks_cut_from_messages(to_block, monkeypatch):
    X, y, weight = make_data(n=50)
    block = to_block(X)
    if sparse.issparse(block):
        block.data = unaligned(block.data)
        block.indices = unaligned(block.indices)
    else:
        block = unaligned(block)
    seen = []
    as_design_before = _linear_blocks.as_design
    monkeypatch.setattr(
        _linear_blocks,
        "as_design",
        lambda X: seen.append(X) or as_design_before(X),
    )
    kind, point = Kind(FocalLoss(), 2, 1), (np.full(4, 0.1), 0.2)
    codes = unaligned(y.astype(np.int32))
    found = sums_of_block(block, codes, unaligned(weight), kind, point)
    (given,) = seen
    parts = (given.data, given.indices) if sparse.issparse(given) else (given,)
    assert all(part.flags.aligned for part in parts)
    plain = LossSums(as_design(X), y.astype(np.int32), weight, FocalLoss(), 2)
    for value, expected in zip(found, plain.evaluate(*point), strict=True):
        assert_allclose(value, expected, rtol=1e-12)


def test_kernels_keep_to_the_threads_of_a_block(monkeypatch):
    X, y, _ = make_data(n=50)
    seen = []
    monkeypatch.setattr(LossSums, "evaluate", lambda *args: seen.append(max_threads()))
    monkeypatch.setattr("skfocal._compute.threads._numba_threads", lambda: 8)
    kind, point = Kind(FocalLoss(), 2, 3), (np.zeros(4), 0.0)
    sums_of_block(X, y.astype(np.int32), None, kind, point)
    assert seen == [3]


class Workers:
    def __init__(self, *threads):
        self.threads = threads

    def nthreads(self):
        return dict(enumerate(self.threads))


@pytest.mark.parametrize(
    ("threads", "n_blocks", "expected"),
    [((1, 1), 8, 1), ((4, 4), 8, 1), ((4, 4), 2, 4), ((8, 2), 1, 2), ((), 3, 1)],
)
def test_threads_per_block(threads, n_blocks, expected):
    assert threads_per_block(Workers(*threads), n_blocks) == expected
