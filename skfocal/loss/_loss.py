"""The focal loss of raw predictions: validation, shapes and the choice of kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from skfocal._validation import (
    check_alpha,
    check_class_count,
    check_gamma,
    check_labels,
    check_length,
    check_option,
    check_proba,
    check_raw,
    check_weight,
    positive_total,
)
from skfocal.loss import _focal_link, _posterior_link
from skfocal.loss._batch import Batch, count_classes

__all__ = ["LINKS", "FocalLoss", "Link"]

FloatArray = npt.NDArray[np.floating]
Link = Literal["focal", "posterior"]

_LINKS: dict[str, Any] = {"focal": _focal_link, "posterior": _posterior_link}
LINKS = tuple(_LINKS)


@dataclass(frozen=True)
class FocalLoss:
    r"""Binary or softmax focal loss, with exact derivatives, in either of two links.

    For a sample of true class :math:`t`, whose focal probability is :math:`p_t`,

    .. math:: \mathrm{FL} = -\alpha_t (1 - p_t)^{\gamma_t} \log p_t ,

    which is the log loss for ``gamma=0`` and ``alpha=None``.

    The object is immutable and hashable; copying it returns itself.

    Parameters
    ----------
    gamma : float or sequence of float, default=2.0
        Focusing parameter, at least 0; one for all classes or one per class. The larger
        it is, the less a sample counts that is predicted well.
    alpha : float, sequence of float or None, default=None
        Class weights. A float in (0, 1) is the weight of class 1 of two, and class 0
        has ``1 - alpha``; a sequence gives one positive weight per class; None weights
        every class by 1.
    link : {"focal", "posterior"}, default="focal"
        What a raw prediction is: the log-odds of the focal probability :math:`p`, as in
        the paper, or those of the class probability :math:`\eta` that :math:`p` stands
        for. In the posterior link the loss is proper: ``expit`` or ``softmax`` of the
        raw prediction is what :meth:`predict_proba` returns.

    Raises
    ------
    ValueError
        If ``gamma`` is negative or not finite, ``alpha`` is out of its domain, or
        ``link`` is another string.

    Notes
    -----
    **Conventions**, for every method:

    ``y_true`` : array-like of shape (n_samples,)
        Class labels, integers from 0 to n_classes - 1 of any numeric dtype.
    ``raw_prediction`` : array-like of shape (n_samples,) or (n_samples, n_classes)
        Finite log-odds. One dimension means two classes and the log-odds of class 1:
        :math:`p_1 = 1 / (1 + e^{-z})`, in the focal link. Two dimensions mean softmax.
        float32 stays float32, everything else is computed and returned in float64.
    ``sample_weight`` : array-like of shape (n_samples,), default=None
        Non-negative weights that multiply the loss of each sample.

    An argument that isn't as described raises a ValueError. Returned gradients and
    Hessians have the shape and memory order of ``raw_prediction``.

    **The two links.** The focal loss isn't proper: ``expit`` or ``softmax`` of a raw
    prediction :math:`z` of the focal link is *not* the probability of a class. The
    expected loss is least at :math:`z` if the class probabilities are [2]_

    .. math:: \eta_k \propto \frac{p_k}{\alpha_k \phi_k(p_k)}, \qquad
       \phi_k(v) = (1-v)^{\gamma_k} - \gamma_k (1-v)^{\gamma_k - 1} v \log v .

    In the posterior link the raw prediction is :math:`u` with :math:`\eta =
    \mathrm{softmax}(u)`, and the loss of :math:`u` is that of the :math:`z` behind it.
    Its binary gradient is :math:`W(u) (\eta - y)`, with a positive weight :math:`W`.

    References
    ----------
    .. [1] T.-Y. Lin et al., "Focal Loss for Dense Object Detection", 2017,
       :arxiv:`1708.02002`
    .. [2] N. Charoenphakdee et al., "On Focal Loss for Class-Posterior Probability
       Estimation: A Theoretical Perspective", 2021, :arxiv:`2011.09172`
    .. [3] T. Ridnik et al., "Asymmetric Loss For Multi-Label Classification", 2021,
       :arxiv:`2009.14119`

    Examples
    --------
    >>> from skfocal import FocalLoss
    >>> loss = FocalLoss(gamma=2.0)
    >>> loss.loss([1, 1, 0], [3.0, -3.0, -3.0]).round(6)
    array([1.09000e-04, 2.76628e+00, 1.09000e-04])
    >>> gradient, hessian = loss.gradient_hessian([1, 1, 0], [3.0, -3.0, -3.0])
    >>> gradient.round(6)
    array([-3.15000e-04, -1.12675e+00,  3.15000e-04])
    >>> loss.predict_proba([3.0, -3.0]).round(4)
    array([[3.000e-04, 9.997e-01],
           [9.997e-01, 3.000e-04]])
    >>> posterior = FocalLoss(gamma=2.0, link="posterior")
    >>> posterior.predict_proba([3.0, -3.0]).round(4)
    array([[0.0474, 0.9526],
           [0.9526, 0.0474]])
    """

    gamma: Any = 2.0
    alpha: Any = None
    _: KW_ONLY
    link: Link = "focal"

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", check_gamma(self.gamma))
        object.__setattr__(self, "alpha", check_alpha(self.alpha))
        check_option("link", self.link, LINKS)
        lengths = {len(v) for v in (self.gamma, self.alpha) if isinstance(v, tuple)}
        if len(lengths) > 1:
            raise ValueError(
                "gamma and alpha must have one entry per class, "
                f"got {len(self.gamma)} and {len(self.alpha)} entries"
            )

    def __copy__(self) -> FocalLoss:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> FocalLoss:
        return self

    def __call__(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> float:
        """Return the weighted mean of the loss.

        Returns
        -------
        float
            Sum of the weighted losses over the sum of the weights, which must not all
            be 0.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> round(FocalLoss(gamma=0.0)([0, 1], [0.0, 0.0]), 6)
        0.693147
        """
        losses = self.loss(y_true, raw_prediction, sample_weight)
        if sample_weight is None:
            return float(np.mean(losses, dtype=np.float64))
        total = positive_total(np.asarray(sample_weight, dtype=np.float64))
        return float(np.sum(losses, dtype=np.float64) / total)

    def loss(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> FloatArray:
        r"""Return the loss of each sample.

        Returns
        -------
        ndarray of shape (n_samples,)
            :math:`-w\,\alpha_t (1 - p_t)^\gamma \log p_t`.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> FocalLoss(gamma=0.0).loss([0, 2], [[0.0, 0.0, 0.0], [0.0, 0.0, 9.0]])
        array([1.09861229e+00, 2.46789153e-04])
        """
        batch = self._batch(y_true, raw_prediction, sample_weight)
        loss = np.empty_like(batch.raw, shape=len(batch.raw))
        batch.run(loss=loss)
        return loss

    def gradient(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> FloatArray:
        r"""Return the derivative of each sample's loss by its raw prediction.

        Returns
        -------
        ndarray of the shape of raw_prediction
            In the focal link, with :math:`q = 1 - p_t` and :math:`L = -\log p_t`,
            :math:`w\,\alpha_t q^{\gamma-1} (\gamma p_t L + q)(p_k - \delta_{tk})`.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> FocalLoss(gamma=0.0).gradient([1, 0], [0.0, 0.0])
        array([-0.5,  0.5])
        """
        batch = self._batch(y_true, raw_prediction, sample_weight)
        gradient = np.empty_like(batch.raw)
        batch.run(gradient=gradient)
        return gradient

    def loss_gradient(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Return :meth:`loss` and :meth:`gradient`, from one pass over the samples.

        Returns
        -------
        loss : ndarray of shape (n_samples,)
            Loss of each sample.
        gradient : ndarray of the shape of raw_prediction
            Its derivative by the raw prediction.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> FocalLoss(gamma=0.0).loss_gradient([1], [0.0])
        (array([0.69314718]), array([-0.5]))
        """
        batch = self._batch(y_true, raw_prediction, sample_weight)
        loss = np.empty_like(batch.raw, shape=len(batch.raw))
        gradient = np.empty_like(batch.raw)
        batch.run(loss=loss, gradient=gradient)
        return loss, gradient

    def gradient_hessian(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        r"""Return the gradient and the exact second derivative.

        The binary second derivative in the focal link, with :math:`p, q, L` of the true
        class, is

        .. math:: w\,\alpha_t q^\gamma p\,[(1 + 2\gamma) q + \gamma (\gamma p - q) L] .

        In either link it is negative where a sample is badly missed (in the focal link
        for ``gamma=2`` at margins below -2.8), so it can't be used as a Newton weight
        as it is: see :meth:`expected_hessian`.

        Returns
        -------
        gradient : ndarray of the shape of raw_prediction
            First derivative of each sample's loss.
        hessian : ndarray of the shape of raw_prediction
            Second derivative; for softmax the diagonal of each sample's Hessian.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> gradient, hessian = FocalLoss(gamma=2.0).gradient_hessian([1, 1], [1.0, -5])
        >>> hessian.round(5)
        array([ 0.11063, -0.032  ])
        """
        batch = self._batch(y_true, raw_prediction, sample_weight)
        gradient, hessian = np.empty_like(batch.raw), np.empty_like(batch.raw)
        batch.run(gradient=gradient, hessian=hessian)
        return gradient, hessian

    def expected_hessian(
        self, raw_prediction: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> FloatArray:
        r"""Return the second derivative that is expected if the prediction is right.

        The labels are drawn with the probabilities of :meth:`predict_proba`. In the
        binary posterior link it is :math:`W(u)\,\eta (1 - \eta)`.

        Returns
        -------
        ndarray of the shape of raw_prediction
            Positive numbers; for softmax the diagonal of each sample's expected
            Hessian.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> FocalLoss(gamma=0.0).expected_hessian([0.0, 2.0]).round(4)
        array([0.25 , 0.105])
        >>> FocalLoss(gamma=2.0, link="posterior").expected_hessian([0.0, 2.0]).round(4)
        array([0.0557, 0.0288])
        """
        raw = check_raw(raw_prediction)
        labels, expected = np.zeros(len(raw), np.int32), np.empty_like(raw)
        if self.link == "posterior":
            batch = self._batch(labels, raw, sample_weight)
            batch.run(gradient=np.empty_like(raw), hessian=expected, floor=0.0)
            return expected
        expected[...] = 0.0
        for k, share in enumerate(self.predict_proba(raw).T):
            hessian = self.gradient_hessian(labels + k, raw, sample_weight)[1]
            expected += hessian * (share if raw.ndim == 1 else share[:, None])
        return expected

    def hessian_product(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
        *,
        vector: npt.ArrayLike,
    ) -> FloatArray:
        r"""Return the product of each sample's Hessian with a vector.

        The softmax Hessian of a sample is a diagonal plus terms of rank one. In the
        focal link it is

        .. math:: w\,\alpha_t [A\,(\mathrm{diag}(p) - p p^\top)
           + B\,(p - e_t)(p - e_t)^\top], \qquad
           A = q^{\gamma-1}(\gamma p_t L + q), \quad B = -p_t\,\partial A/\partial p_t ,

        so a product costs no more than a gradient.

        Parameters
        ----------
        y_true, raw_prediction, sample_weight
            See the conventions of the class.
        vector : array-like of the shape of raw_prediction
            What the Hessian of each sample is multiplied by.

        Returns
        -------
        ndarray of the shape of raw_prediction
            The products.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> FocalLoss(gamma=0.0).hessian_product([1], [0.0], vector=[2.0])
        array([0.5])
        """
        batch = self._batch(y_true, raw_prediction, sample_weight)
        vector = np.asarray(vector, dtype=batch.raw.dtype)
        if vector.shape != batch.raw.shape:
            raise ValueError(
                f"vector must have the shape of raw_prediction {batch.raw.shape}, "
                f"got {vector.shape}"
            )
        if batch.raw.ndim == 1:
            hessian = np.empty_like(batch.raw)
            batch.run(gradient=np.empty_like(batch.raw), hessian=hessian)
            return hessian * vector
        return batch.hessian_product(vector)

    def fit_intercept_only(
        self, y_true: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> float | FloatArray:
        """Return the best constant raw prediction, at which a training should start.

        It has the least weighted loss, and its class probabilities are the weighted
        shares of the classes: it is their log-odds in the posterior link, but *not* in
        the focal link.

        Returns
        -------
        float or ndarray of shape (n_classes,)
            Log-odds of class 1 for two classes, else one value per class with sum 0.

        Raises
        ------
        ValueError
            If a class is absent from ``y_true`` or has no weight.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> y = [1] + [0] * 99
        >>> round(FocalLoss(gamma=0.0).fit_intercept_only(y), 4)  # log(1 / 99)
        -4.5951
        >>> round(FocalLoss(gamma=2.0).fit_intercept_only(y), 4)
        -1.7065
        """
        labels = check_labels(y_true, self._n_classes())
        n_classes = self._n_classes() or max(2, int(labels.max(initial=0)) + 1)
        weight = check_weight(sample_weight, len(labels))
        counts = _class_counts(labels, weight, n_classes)
        log_prior = np.log(counts) - np.log(counts.sum())
        raw = self._raw_from_log_proba(log_prior[None])[0]
        return float(raw) if n_classes == 2 else raw

    def predict_proba(self, raw_prediction: npt.ArrayLike) -> FloatArray:
        r"""Return the class probabilities that a raw prediction stands for.

        In the posterior link they are its expit or softmax. In the focal link they are
        the :math:`\eta` for which the raw prediction has the least expected loss (see
        the notes of the class), for two classes a strictly increasing function of it:
        rankings don't change.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities; two columns for a one-dimensional raw prediction.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> FocalLoss(gamma=2.0).predict_proba([-1.0, 0.0, 1.0]).round(3)
        array([[0.936, 0.064],
               [0.5  , 0.5  ],
               [0.064, 0.936]])
        """
        raw, link = check_raw(raw_prediction), _LINKS[self.link]
        binary, softmax = link.binary_proba, link.softmax_proba
        return self._proba_by(binary if raw.ndim == 1 else softmax, raw)

    def predict_log_proba(self, raw_prediction: npt.ArrayLike) -> FloatArray:
        """Return the logarithms of the class probabilities.

        They stay finite where :meth:`predict_proba` underflows to 0.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Natural logarithms of :meth:`predict_proba`.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> float(FocalLoss(gamma=2.0).predict_log_proba([500.0])[0, 0].round(1))
        -1498.9
        """
        raw, link = check_raw(raw_prediction), _LINKS[self.link]
        binary, softmax = link.binary_log_proba, link.softmax_log_proba
        return self._proba_by(binary if raw.ndim == 1 else softmax, raw)

    def raw_from_proba(self, proba: npt.ArrayLike) -> FloatArray:
        """Return the raw prediction that stands for given class probabilities.

        The inverse of :meth:`predict_proba`.

        Parameters
        ----------
        proba : array-like of shape (n_samples,) or (n_samples, n_classes)
            Probabilities inside (0, 1), of class 1 or of each class; rows sum to 1.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of class 1 for two classes, else one column per class; rows sum
            to 0.

        Raises
        ------
        ValueError
            If a probability is outside (0, 1) or a row doesn't sum to 1.

        Examples
        --------
        >>> from skfocal import FocalLoss
        >>> FocalLoss(gamma=2.0).raw_from_proba([0.064, 0.5, 0.936]).round(2)
        array([-1.,  0.,  1.])
        """
        proba = check_proba(proba)
        if proba.ndim == 1:
            log_proba = np.column_stack([np.log1p(-proba), np.log(proba)])
        else:
            log_proba = np.log(proba)
        return self._raw_from_log_proba(log_proba)

    def _proba_by(
        self, function: Callable[..., FloatArray], raw: FloatArray
    ) -> FloatArray:
        gamma, alpha = self._class_values(count_classes(raw))
        proba = function(raw.astype(np.float64), gamma, alpha)
        return proba.astype(raw.dtype, copy=False)

    def _raw_from_log_proba(self, log_proba: FloatArray) -> FloatArray:
        gamma, alpha = self._class_values(log_proba.shape[1])
        return _LINKS[self.link].raw_from_log_proba(log_proba, gamma, alpha)

    def _n_classes(self) -> int | None:
        """Return the number of classes that gamma or alpha fix, if they do."""
        for values in (self.gamma, self.alpha):
            if isinstance(values, tuple):
                return len(values)
        return None

    def _class_values(self, n_classes: int) -> tuple[FloatArray, FloatArray]:
        """Return gamma and alpha as one float64 per class."""
        check_class_count("gamma", self.gamma, n_classes)
        check_class_count("alpha", self.alpha, n_classes)
        alpha = self.alpha
        if isinstance(alpha, float):
            alpha = (1.0 - alpha, alpha)
        weights = np.ones(n_classes) if alpha is None else np.array(alpha)
        return np.full(n_classes, self.gamma), weights

    def _batch(
        self,
        y_true: npt.ArrayLike,
        raw_prediction: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
    ) -> Batch:
        raw = check_raw(raw_prediction)
        n_classes = count_classes(raw)
        y = check_labels(y_true, n_classes)
        check_length("y_true", len(y), len(raw))
        weight = check_weight(sample_weight, len(raw))
        return Batch(self, y, raw, weight)


def _class_counts(
    labels: npt.NDArray[np.int32], weight: FloatArray | None, n_classes: int
) -> FloatArray:
    """Return the total weight of each class, none of them 0."""
    # With more classes than samples one is absent, and maybe no memory for the counts.
    possible = n_classes <= len(labels)
    counted = np.bincount(labels, weight, n_classes) if possible else np.zeros(0)
    counts = counted.astype(np.float64)
    if not possible or not counts.all():
        present = set(np.unique(labels if weight is None else labels[weight > 0]))
        first = next(k for k in range(n_classes) if k not in present)
        raise ValueError(
            f"y_true must hold every class from 0 to {n_classes - 1} with positive "
            f"weight, got none of class {first}"
        )
    return counts
