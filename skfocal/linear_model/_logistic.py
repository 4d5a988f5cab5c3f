"""Logistic regression with the focal loss."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from skfocal._classes import resolve_alpha, unchanged_on_error
from skfocal._validation import PerClass, check_class_count, check_gamma, check_option
from skfocal.linear_model._base import FocalLinearClassifier
from skfocal.linear_model._checks import check_bool
from skfocal.linear_model._design import as_design
from skfocal.linear_model._fit import fit_linear
from skfocal.linear_model._host_parameters import resolve_penalty
from skfocal.linear_model._problem import AnyLinearProblem, LinearProblem
from skfocal.loss import FocalLoss
from skfocal.loss._loss import LINKS, Link

__all__ = ["FocalLogisticRegression"]

FloatArray = npt.NDArray[np.floating]


class FocalLogisticRegression(FocalLinearClassifier):
    r"""Linear classifier with the focal loss, and with true probabilities.

    Two classes have raw predictions :math:`u = x w + b`, more classes one for each. The
    coefficients minimise

    .. math:: C \omega \sum_i s_i \, \mathrm{FL}(y_i, u_i)
       + \frac{1 - \rho}{2} \|w\|_2^2 + \rho \|w\|_1, \qquad
       \mathrm{FL} = -\alpha_t (1 - p_t)^\gamma \log p_t ,

    with :math:`p_t` the focal probability of the true class, :math:`s_i` the sample and
    class weights and :math:`\rho` the ``l1_ratio``. With more than two classes and
    ``focal_link="posterior"``, :math:`\omega` is 1 plus the mean of :math:`\gamma`, so
    that the same C penalises about as it does with the log loss; else it is 1. The
    expit or softmax of :math:`u` is the class probability, of which :math:`p` is a
    function; with ``focal_link="focal"`` it is :math:`p` itself. The intercept isn't
    penalised. At ``focal_gamma=0`` this is
    :class:`sklearn.linear_model.LogisticRegression`, coefficient by coefficient.

    Parameters
    ----------
    focal_gamma : float or sequence of float, default=2.0
        Focusing parameter :math:`\gamma`, at least 0; one for all classes or one per
        class in the order of ``classes_``. 0 is the log loss.
    focal_alpha : float, sequence of float, dict, "balanced" or None, default=None
        Class weights :math:`\alpha`, each the cost of a mistake in ``predict``, while
        ``predict_proba`` remains the class probability. A float in (0, 1) is the weight
        of ``classes_[1]`` of two; a sequence has one positive weight per class; a dict
        has weights by label, 1 for those it lacks; "balanced" weights each class by
        ``n_samples / (n_classes * count)``.
    focal_link : {"posterior", "focal"}, default="posterior"
        What a raw prediction is: the log-odds of the class probability, or those of the
        paper's focal probability :math:`p`, from which ``predict_proba`` recovers it.
    penalty : {"l1", "l2", "elasticnet", "deprecated"} or None, default="deprecated"
        For calls written for scikit-learn before 1.8: "l1" is ``l1_ratio=1``, "l2"
        ``l1_ratio=0``, "elasticnet" the given ``l1_ratio``, None ``C=numpy.inf``. By
        default ``C`` and ``l1_ratio`` decide, and what contradicts them is an error.
    C : float, default=1.0
        Inverse of the strength of the penalty, above 0. ``numpy.inf`` means no penalty.
    l1_ratio : float or None, default=0.0
        Share of the l1 norm in the penalty, in [0, 1]. Above 0 some coefficients become
        exactly 0. None is 0.
    dual : bool, default=False
        Only False: the focal loss has no dual problem.
    tol : float, default=1e-4
        The solver stops when no entry of the gradient of the objective exceeds it, the
        objective being divided by C and the total weight, and the coefficients measured
        in the features' standard deviations, so that no scaling of X or of the weights
        matters. At least 0. "lbfgs" goes on to a tenth of it, as its last gradient says
        less of the distance to the optimum than that of a Newton step.
    fit_intercept : bool, default=True
        Whether to add a constant to the raw predictions.
    intercept_scaling : float, default=1
        Only 1: the intercept isn't penalised.
    class_weight : dict, "balanced" or None, default=None
        Factors of the sample weights by label. Unlike ``focal_alpha`` they change the
        population whose probabilities are predicted. "balanced" counts sample
        weights, as scikit-learn does since 1.7.
    random_state : int, RandomState instance or None, default=None
        Chooses the rows of the sample from which "auto" starts if there are many; with
        None they are equally spaced. It changes the solution by less than ``tol``.
    solver : str, default="auto"
        "trust-exact" is a trust region with the whole Hessian, "trust-ncg" one with
        Hessian products, "lbfgs" L-BFGS-B, the only one for an l1 penalty. "auto" takes
        "trust-exact" up to 500 coefficients (fewer for little data), on a sample of the
        rows first if there are many, "trust-ncg" up to 5000, and "lbfgs" beyond.
        scikit-learn's "newton-cholesky" means "trust-exact", "newton-cg" "trust-ncg",
        and "liblinear", "sag" and "saga" mean "auto". No solver changes what is solved:
        "liblinear" penalises no intercept, and fits a softmax to several classes.
    max_iter : int, default=100
        Most iterations over all rows, at least 0.
    verbose : int, default=0
        Above 0 a line is printed for each iteration.
    warm_start : bool, default=False
        Whether to start at the coefficients of the last fit.
    n_jobs : int or None, default=None
        Without effect, as in scikit-learn since 1.8. ``numba.set_num_threads`` limits
        the threads.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    coef_ : ndarray or CSR matrix of shape (1, n_features) or (n_classes, n_features)
        Coefficients, in log-odds per unit of the feature.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts; 0 if ``fit_intercept`` is False.
    loss_ : FocalLoss
        The loss, with alpha resolved.
    n_iter_ : ndarray of shape (1,)
        Iterations over all rows, at least 1.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X had names that are strings.

    See Also
    --------
    FocalLogisticRegressionCV : Chooses gamma, C and l1_ratio by cross-validation.

    Notes
    -----
    For gamma > 0 the objective is not convex: what is found is a point where the
    gradient is at most ``tol`` and the objective lower than at the start, which is the
    best constant. In practice other starts lead to the same point.

    References
    ----------
    .. [1] T.-Y. Lin et al., "Focal Loss for Dense Object Detection", 2017,
       :arxiv:`1708.02002`
    .. [2] N. Charoenphakdee et al., "On Focal Loss for Class-Posterior Probability
       Estimation: A Theoretical Perspective", 2021, :arxiv:`2011.09172`

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skfocal import FocalLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = FocalLogisticRegression(focal_gamma=2.0).fit(scale(X), y)
    >>> model.predict_proba(scale(X)[:2]).round(3)
    array([[1.   , 0.   ],
           [0.999, 0.001]])
    >>> round(model.score(scale(X), y), 3)
    0.988
    """

    def __init__(
        self,
        focal_gamma: Any = 2.0,
        focal_alpha: Any = None,
        *,
        focal_link: Link = "posterior",
        penalty: Any = "deprecated",
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "auto",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.focal_gamma = focal_gamma
        self.focal_alpha = focal_alpha
        self.focal_link = focal_link
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: npt.ArrayLike, sample_weight: Any = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features. Arrays of float32 and float64 in any order, CSR and CSC matrices
            are used as they are.
        y : array-like of shape (n_samples,)
            Labels, of any type.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter or the data are not valid; the classifier stays as it was.
        """
        with unchanged_on_error(self):
            before = dict(vars(self))
            gamma, C, l1_ratio, solver = self._check_options()
            data = self._training_data(X, y, sample_weight)
            self.loss_ = self._loss_of(gamma, data.codes, data.sample_weight)
            problem = LinearProblem(
                *(as_design(data.X), data.codes, data.weight, self.loss_),
                *(len(self.classes_), C, l1_ratio, bool(self.fit_intercept)),
            )
            self._solve(problem, data.X.dtype, solver, before)
        return self

    def _check_options(self) -> tuple[PerClass, float, float, str]:
        """Check the parameters, and return gamma, C, l1_ratio and the solver."""
        gamma = check_gamma(self.focal_gamma, "focal_gamma")
        check_option("focal_link", self.focal_link, LINKS)
        check_bool("warm_start", self.warm_start)
        C, l1_ratio = resolve_penalty(self.penalty, self.C, self.l1_ratio)
        solver = self._check_parameters(l1_ratio > 0.0 and np.isfinite(C))
        return gamma, C, l1_ratio, solver

    def _loss_of(
        self,
        gamma: PerClass,
        codes: npt.NDArray[np.integer],
        sample_weight: FloatArray | None,
    ) -> FocalLoss:
        """Return the loss, with alpha of samples of these classes and weights."""
        check_class_count("focal_gamma", gamma, len(self.classes_))
        alpha = resolve_alpha(self.focal_alpha, self.classes_, codes, sample_weight)
        return FocalLoss(gamma, alpha, link=self.focal_link)

    def _solve(
        self, problem: AnyLinearProblem, dtype: Any, solver: str, before: dict[str, Any]
    ) -> None:
        """Set the coefficients; ``before`` are the attributes before the fit."""
        fit = fit_linear(
            problem,
            solver=solver,
            tol=self.tol,
            max_iter=self.max_iter,
            start=self._warm_start(before),
            random_state=self.random_state,
            verbose=self.verbose,
        )
        self._set_coefficients(fit, dtype)
        self.n_iter_ = np.array([fit.n_iter], dtype=np.int32)
        self._warn_if_unfinished(fit)

    def _warm_start(self, before: dict[str, Any]) -> Any:
        """Return the coefficients to start at, if the last fit's are to be used."""
        if not self.warm_start or "coef_" not in before:
            return None
        coef, classes = before["coef_"], before["classes_"]
        same = np.array_equal(classes, self.classes_)
        if not same or coef.shape[1] != self.n_features_in_:
            raise ValueError(
                "X and y must have the features and classes of the last fit if "
                f"warm_start=True, got {self.n_features_in_} features and classes "
                f"{self.classes_.tolist()}"
            )
        coef = coef.toarray() if sparse.issparse(coef) else coef
        coef, intercept = coef.astype(np.float64), before["intercept_"]
        intercept = intercept.astype(np.float64)
        return (coef[0], intercept[0]) if len(classes) == 2 else (coef, intercept)
