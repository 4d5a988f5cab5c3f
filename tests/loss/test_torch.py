"""The focal loss as deep-learning code writes it, differentiated automatically.

The table below was printed by ``python -m tests.loss.test_torch`` with PyTorch 2.13.0.
"""

import importlib.util

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skfocal import FocalLoss

LOGITS = np.array(
    [[0.5, -1.0, 2.0], [3.0, 0.1, -0.4], [-2.0, 1.5, 1.4], [0.0, 0.0, 0.0]]
)
LABELS = np.array([2, 1, 0, 1])
CASES = [(0.25, 2.0), (1.0, 0.0), (0.6, 0.5), (2.0, 3.5)]

# alpha, gamma, mean loss, its gradient, its Hessian's diagonal
TABLE = [
    (
        0.25,
        2.0,
        0.4513259079839952,
        [
            0.0013942033199632936,
            0.0003110888100628822,
            -0.0017052921300261756,
            0.06821793615104761,
            -0.07049459175035282,
            0.0022766555993052,
            -0.06748322491573194,
            0.03542728858471952,
            0.032055936331012426,
            0.01943159526544546,
            -0.03886319053089093,
            0.01943159526544546,
        ],
        [
            0.002859570152869321,
            0.0003840451287567749,
            0.003897550353831136,
            0.001358028264364432,
            -0.000902450550971377,
            0.002202188695513819,
            -0.002843708492719628,
            0.016044964398373943,
            0.01618703145352414,
            0.017431847015438783,
            0.030864197530864203,
            0.017431847015438783,
        ],
    ),
    (
        1.0,
        0.0,
        2.1211885999787135,
        [
            0.04382259803500917,
            0.009778143317671862,
            -0.05360074135268103,
            0.22969570583249163,
            -0.23736140263196703,
            0.007665696799475389,
            -0.24609859944126572,
            0.12919664277438078,
            0.11690195666688491,
            0.08333333333333333,
            -0.16666666666666669,
            0.08333333333333333,
        ],
        [
            0.03614091764085721,
            0.009395694970708138,
            0.04210858345845299,
            0.01865523672094551,
            0.011999660794307969,
            0.00743064516978944,
            0.0038405168534555215,
            0.06242955275769695,
            0.06223768677669996,
            0.05555555555555556,
            0.05555555555555556,
            0.05555555555555556,
        ],
    ),
    (
        0.6,
        0.5,
        1.2066852465300273,
        [
            0.017557350313022364,
            0.003917574387126765,
            -0.02147492470014913,
            0.1449594684615689,
            -0.14979723993584224,
            0.004837771474273314,
            -0.15133342676648714,
            0.07944689942227409,
            0.07188652734421305,
            0.05203749376466999,
            -0.10407498752934,
            0.05203749376466999,
        ],
        [
            0.019627416733969498,
            0.0040206369255524795,
            0.024571842163569616,
            0.008277605660619703,
            0.003840102861071523,
            0.004685538612324483,
            -0.00014534903212814077,
            0.03769887206513808,
            0.0377061334665849,
            0.03682385705155951,
            0.04322044067689804,
            0.03682385705155951,
        ],
    ),
    (
        2.0,
        3.5,
        3.3466536703999408,
        [
            0.0016377781901715622,
            0.0003654377098605862,
            -0.0020032159000321482,
            0.5962156446684598,
            -0.6161133103325501,
            0.019897665664090358,
            -0.5733607752493256,
            0.3010024739226861,
            0.2723583013266395,
            0.11784047612283673,
            -0.23568095224567348,
            0.11784047612283673,
        ],
        [
            0.004919561205196739,
            0.0005288280651981394,
            0.006912918809824805,
            0.00989038168387621,
            -0.010000169730786615,
            0.01924463115762456,
            -0.0418188128005178,
            0.13145704331001473,
            0.1335462432401964,
            0.13206124413764378,
            0.2925640243049017,
            0.13206124413764378,
        ],
    ),
]


def tensor_focal_loss(logits, labels, alpha, gamma):
    """Average over the samples of alpha * (1 - pt)**gamma * cross_entropy(logits)."""
    import torch

    cross_entropy = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    pt = torch.exp(-cross_entropy)
    return (alpha * (1 - pt) ** gamma * cross_entropy).mean()


def differentiate(alpha, gamma):
    import torch

    labels = torch.tensor(LABELS)
    logits = torch.tensor(LOGITS)

    def mean_loss(z):
        return tensor_focal_loss(z.reshape(LOGITS.shape), labels, alpha, gamma)

    flat = logits.reshape(-1)
    gradient = torch.func.grad(mean_loss)(flat)
    hessian = torch.func.hessian(mean_loss)(flat)
    return float(mean_loss(flat)), gradient.numpy(), hessian.numpy()


def check(alpha, gamma, value, gradient, diagonal):
    n, n_classes = LOGITS.shape
    loss = FocalLoss(gamma, alpha=[alpha] * n_classes)
    got_gradient, got_hessian = loss.gradient_hessian(LABELS, LOGITS)
    assert loss(LABELS, LOGITS) == pytest.approx(value, rel=1e-13)
    assert_allclose(got_gradient.ravel() / n, gradient, rtol=1e-11, atol=1e-15)
    assert_allclose(got_hessian.ravel() / n, diagonal, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"alpha={row[0]} gamma={row[1]}")
def test_equals_the_tensor_form_in_a_table(row):
    check(*row)


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch isn't installed"
)
# PyTorch's own vmap calls its own deprecated torch.jit.script.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize(("alpha", "gamma"), CASES)
def test_equals_automatic_differentiation_of_the_tensor_form(alpha, gamma):
    value, gradient, hessian = differentiate(alpha, gamma)
    check(alpha, gamma, value, gradient, np.diag(hessian))
    n, n_classes = LOGITS.shape
    loss = FocalLoss(gamma, alpha=[alpha] * n_classes)
    vector = np.random.default_rng(0).normal(size=LOGITS.shape)
    got = loss.hessian_product(LABELS, LOGITS, vector=vector)
    assert_allclose(got.ravel() / n, hessian @ vector.ravel(), rtol=1e-10, atol=1e-14)


if __name__ == "__main__":
    for case in CASES:
        value, gradient, hessian = differentiate(*case)
        print((*case, value, gradient.tolist(), np.diag(hessian).tolist()), end=",\n")
