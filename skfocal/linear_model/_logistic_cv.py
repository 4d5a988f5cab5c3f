"""Logistic regression with the focal loss, gamma and C chosen by cross-validation."""

import warnings
from itertools import product
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skfocal._classes import WeightedRows, resolve_alpha, unchanged_on_error
from skfocal._validation import PerClass, check_class_count, check_gamma, check_option
from skfocal.linear_model._base import FocalLinearClassifier
from skfocal.linear_model._checks import check_bool, check_grid, check_range
from skfocal.linear_model._design import as_design
from skfocal.linear_model._fit import LinearFit, fit_linear
from skfocal.linear_model._folds import (
    Fold,
    for_all_classes,
    routed_params,
    scorer_of,
    split_rows,
)
from skfocal.linear_model._grid import Grid, best_point, results_table
from skfocal.linear_model._host_parameters import (
    check_legacy_attributes,
    resolve_l1_ratios,
)
from skfocal.linear_model._logistic import FocalLogisticRegression
from skfocal.linear_model._path import PathResult, fit_path
from skfocal.linear_model._problem import LinearProblem
from skfocal.loss import FocalLoss
from skfocal.loss._loss import LINKS, Link

__all__ = ["FocalLogisticRegressionCV"]

FloatArray = npt.NDArray[np.floating]


class FocalLogisticRegressionCV(FocalLinearClassifier):
    r"""Focal logistic regression with gamma and penalty chosen by cross-validation.

    For each fold, ``focal_gamma`` and ``l1_ratio`` the coefficients are computed along
    the values of C, each fit starting where the one before ended. The best mean score
    decides. The default score, the log loss of ``predict_proba``, can compare values of
    gamma, because the probabilities mean the same at each; the focal loss can't.

    Parameters
    ----------
    focal_gammas : sequence, default=(0.0, 0.5, 1.0, 2.0)
        Values of ``focal_gamma`` to try, each at least 0, or a sequence of one per
        class.
    focal_alpha : float, sequence of float, dict, "balanced" or None, default=None
        Class weights as in :class:`FocalLogisticRegression`; "balanced" counts all
        training data.
    focal_link : {"posterior", "focal"}, default="posterior"
        What a raw prediction is, as in :class:`FocalLogisticRegression`.
    Cs : int or sequence of float, default=10
        Values of C to try, above 0; a number of values means that many from 1e-4 to
        1e4, in equal ratios.
    l1_ratios : sequence of float or None, default=(0.0,)
        Values of ``l1_ratio`` to try, in [0, 1]. None is (0.0,).
    fit_intercept : bool, default=True
        Whether to add a constant to the raw predictions.
    cv : int, cross-validation generator, iterable or None, default=None
        The folds, as everywhere in scikit-learn: None means 5 stratified ones.
    dual : bool, default=False
        Only False: the focal loss has no dual problem.
    penalty : {"l1", "l2", "elasticnet", "deprecated"}, default="deprecated"
        For calls written for scikit-learn before 1.8: "l1" is ``l1_ratios=(1.0,)``,
        "l2" ``l1_ratios=(0.0,)``, "elasticnet" the given ``l1_ratios``. By default
        ``l1_ratios`` decides, and what contradicts it is an error.
    scoring : str, callable or None, default="neg_log_loss"
        Name of a scorer or callable ``scorer(estimator, X, y)``; greater is better.
        None is the accuracy. Scorers of a metric with ``labels`` or ``pos_label`` get
        all classes and the second of two, as a fold may lack a class.
    solver : str, default="auto"
        One of those of :class:`FocalLogisticRegression`, under our names or
        scikit-learn's.
    tol : float, default=1e-4
        Largest entry of the scaled gradient, as in :class:`FocalLogisticRegression`.
    max_iter : int, default=100
        Most iterations of a fit over all of its rows, at least 0.
    class_weight : dict, "balanced" or None, default=None
        Factors of the sample weights by label; "balanced" counts the sample
        weights of all training data.
    n_jobs : int or None, default=None
        Number of joblib's workers; None means 1 unless in a
        ``joblib.parallel_backend`` context.
    verbose : int, default=0
        Above 0 a line is printed for each path; above 1 also for each iteration of the
        last fit.
    refit : bool, default=True
        Whether to fit all data with the best parameters. If not, the coefficients are
        the mean over the folds of those at each fold's best C and ``l1_ratio``, for the
        gamma of the best mean score.
    intercept_scaling : float, default=1.0
        Only 1: the intercept isn't penalised.
    random_state : int, RandomState instance or None, default=None
        As in :class:`FocalLogisticRegression`.
    use_legacy_attributes : bool, default=False
        Only False: scores by gamma fit in no array of scikit-learn's old shapes.

    Attributes
    ----------
    focal_gamma_ : float or tuple of float
        The best of ``focal_gammas``.
    C_ : float
        The best of ``Cs_``; without refit the mean of each fold's best.
    l1_ratio_ : float
        The best of ``l1_ratios_``; without refit the mean of each fold's best.
    best_score_ : float
        Its mean score over the folds.
    Cs_ : ndarray of shape (n_cs,)
        Values of C that were tried.
    l1_ratios_ : ndarray of shape (n_l1_ratios,)
        Values of ``l1_ratio`` that were tried.
    scores_ : ndarray of shape (n_folds, n_gammas, n_l1_ratios, n_cs)
        Score of each fit.
    coefs_paths_ : ndarray of shape (n_folds, n_gammas, n_l1_ratios, n_cs, ...)
        Coefficients of each fit in the last two dimensions, a row for two classes, else
        one for each class. Each row ends with the intercept, if one is fitted.
    n_iter_ : ndarray of shape (n_folds, n_gammas, n_l1_ratios, n_cs)
        Iterations of each fit, at least 1.
    cv_results_ : dict of ndarray
        The same in the form of :class:`sklearn.model_selection.GridSearchCV`, one entry
        per combination: ``params``, ``param_focal_gamma``, ``param_l1_ratio``,
        ``param_C``, ``split0_test_score`` ..., ``mean_test_score``,
        ``std_test_score``, ``rank_test_score``, ``mean_fit_time``, ``std_fit_time``.
    classes_ : ndarray of shape (n_classes,)
        Labels.
    coef_ : ndarray or CSR matrix of shape (1, n_features) or (n_classes, n_features)
        Coefficients, in log-odds per unit of the feature.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercepts.
    loss_ : FocalLoss
        The loss at the best gamma, with alpha resolved.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X had names that are strings.

    See Also
    --------
    FocalLogisticRegression : The model with given gamma and C.

    References
    ----------
    .. [1] T.-Y. Lin et al., "Focal Loss for Dense Object Detection", 2017,
       :arxiv:`1708.02002`

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from skfocal import FocalLogisticRegressionCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = FocalLogisticRegressionCV([0.0, 2.0], Cs=3).fit(scale(X), y)
    >>> model.C_
    1.0
    >>> model.scores_.shape
    (5, 2, 1, 3)
    """

    # ``score`` has no use for weights of its own: the scorer has, or they are refused.
    __metadata_request__score: ClassVar[dict[str, str]] = {"sample_weight": UNUSED}

    def __init__(
        self,
        focal_gammas: Any = (0.0, 0.5, 1.0, 2.0),
        focal_alpha: Any = None,
        *,
        focal_link: Link = "posterior",
        Cs: Any = 10,
        l1_ratios: Any = (0.0,),
        fit_intercept: bool = True,
        cv: Any = None,
        dual: bool = False,
        penalty: str = "deprecated",
        scoring: Any = "neg_log_loss",
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 100,
        class_weight: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        refit: bool = True,
        intercept_scaling: float = 1.0,
        random_state: Any = None,
        use_legacy_attributes: bool | str = False,
    ) -> None:
        self.focal_gammas = focal_gammas
        self.focal_alpha = focal_alpha
        self.focal_link = focal_link
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.dual = dual
        self.penalty = penalty
        self.scoring = scoring
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.refit = refit
        self.intercept_scaling = intercept_scaling
        self.random_state = random_state
        self.use_legacy_attributes = use_legacy_attributes

    def fit(
        self, X: Any, y: npt.ArrayLike, sample_weight: Any = None, **params: Any
    ) -> Self:
        """Choose the parameters, then fit the coefficients.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Labels, of any type.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, of the fits and of the scores. With metadata routing enabled,
            the scorer gets them if it requests them.
        **params : dict
            Arguments of the splitter and of the scorer, such as ``groups``; only with
            metadata routing enabled.

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
            gammas = check_grid("focal_gammas", self.focal_gammas)
            gammas = [check_gamma(gamma, "focal_gammas") for gamma in gammas]
            ratios = resolve_l1_ratios(self.penalty, self.l1_ratios)
            Cs = self._checked_Cs()
            solver = self._check_parameters(any(ratio > 0.0 for ratio in ratios))
            check_bool("refit", self.refit)
            check_legacy_attributes(self.use_legacy_attributes)
            if sample_weight is not None:
                sample_weight = np.asarray(sample_weight, dtype=np.float64)
            routed = routed_params(self, "fit", sample_weight, params)
            data = self._training_data(X, y, sample_weight)
            losses = self._losses(gammas, data)
            folds = split_rows(self.cv, X, y, data, routed)
            self._search(data, folds, Grid(losses, ratios, Cs), solver)
        return self

    def _checked_Cs(self) -> FloatArray:
        if isinstance(self.Cs, Integral):
            if self.Cs < 1:
                raise ValueError(f"Cs must be >= 1 if it is an int, got {self.Cs!r}")
            return np.logspace(-4, 4, int(self.Cs))
        Cs = check_grid("Cs", self.Cs)
        return np.array([check_range("Cs", C, 0.0, above=True) for C in Cs])

    def _losses(self, gammas: list[PerClass], data: WeightedRows) -> list[FocalLoss]:
        alpha = resolve_alpha(
            self.focal_alpha, self.classes_, data.codes, data.sample_weight
        )
        check_option("focal_link", self.focal_link, LINKS)
        for gamma in gammas:
            check_class_count("focal_gammas", gamma, len(self.classes_))
        return [FocalLoss(gamma, alpha, link=self.focal_link) for gamma in gammas]

    def _search(
        self, data: WeightedRows, folds: list[Fold], grid: Grid, solver: str
    ) -> None:
        """Fit all paths, choose the best point and set the attributes."""
        options = self._solver_options(solver)
        paths = grid.paths(bool(self.fit_intercept), options)
        # Processes, for a path with one thread leaves the GIL to no other.
        run = Parallel(n_jobs=self.n_jobs, prefer="processes")
        scorer = for_all_classes(scorer_of(self.scoring), self.classes_)
        results = run(
            delayed(fit_path)(
                *(self._model_to_score(data), data, fold, path, scorer),
                bool(self.verbose),
            )
            for fold, path in product(folds, paths)
        )
        self._set_results(results, len(folds), grid)
        self._set_final_coefficients(data, self._choose(grid), options)

    def _solver_options(self, solver: str) -> dict[str, Any]:
        return {
            "solver": solver,
            "tol": self.tol,
            "max_iter": self.max_iter,
            "random_state": self.random_state,
        }

    def _model_to_score(self, data: WeightedRows) -> FocalLogisticRegression:
        model = FocalLogisticRegression()
        model.classes_, model.n_features_in_ = self.classes_, data.X.shape[1]
        return model

    def _set_results(self, results: list[PathResult], n_folds: int, grid: Grid) -> None:
        fits = [fit for result in results for fit in result.fits]
        self._warn_of_unfinished(fits)
        shape = (n_folds, *grid.shape)
        self.Cs_, self.l1_ratios_ = grid.Cs, np.array(grid.l1_ratios)
        self.scores_ = np.array([result.scores for result in results]).reshape(shape)
        self.n_iter_ = np.array([fit.n_iter for fit in fits], np.int32).reshape(shape)
        rows = np.array([fit.rows(bool(self.fit_intercept)) for fit in fits])
        self.coefs_paths_ = rows.reshape(*shape, *rows.shape[1:])
        seconds = np.array([result.seconds for result in results])
        self.cv_results_ = results_table(
            grid.points(),
            self.scores_.reshape(n_folds, -1),
            seconds.reshape(n_folds, -1),
        )

    def _choose(self, grid: Grid) -> FloatArray:
        """Set the best parameters, and return the mean of the folds' coefficients.

        Without refit, C and l1_ratio are means over the folds as well, as scikit-learn
        has it. A mean of losses would be none: there is one gamma.
        """
        mean = self.cv_results_["mean_test_score"].reshape(grid.shape)
        best, self.best_score_ = best_point(mean)
        self.loss_ = grid.losses[best[0]]
        self.focal_gamma_ = self.loss_.gamma
        points = [best] * len(self.scores_)
        if not self.refit:
            of_folds = self.scores_[:, best[0]]
            points = [(best[0], *best_point(scores)[0]) for scores in of_folds]
        # Of equal values one: their mean is rounded.
        _, ratios, Cs = np.transpose(points[:1] if self.refit else points)
        self.l1_ratio_ = float(self.l1_ratios_[ratios].mean())
        self.C_ = float(self.Cs_[Cs].mean())
        paths = zip(self.coefs_paths_, points, strict=True)
        return np.mean([path[point] for path, point in paths], axis=0)

    def _set_final_coefficients(
        self, data: WeightedRows, mean: FloatArray, options: dict[str, Any]
    ) -> None:
        fit = LinearFit.of_rows(mean, bool(self.fit_intercept))
        if self.refit:
            problem = LinearProblem(
                *(as_design(data.X), data.codes, data.weight, self.loss_),
                *(len(self.classes_), self.C_, self.l1_ratio_),
                bool(self.fit_intercept),
            )
            options = options | {"verbose": max(0, self.verbose - 1)}
            fit = fit_linear(problem, start=(fit.coef, fit.intercept), **options)
            self._warn_if_unfinished(fit)
        self._set_coefficients(fit, data.X.dtype)

    def _warn_of_unfinished(self, fits: list[LinearFit]) -> None:
        unfinished = [fit for fit in fits if fit.residual > self.tol]
        if unfinished:
            worst = max(fit.residual for fit in unfinished)
            warnings.warn(
                f"{len(unfinished)} of {len(fits)} fits did not converge within "
                f"max_iter={self.max_iter} iterations to tol={self.tol:g}: the largest "
                f"entry of a gradient is {worst:.3g}. Increase max_iter or tol.",
                ConvergenceWarning,
                stacklevel=5,
            )

    def score(
        self,
        X: Any,
        y: npt.ArrayLike,
        sample_weight: Any = None,
        **score_params: Any,
    ) -> float:
        """Return the score by ``scoring``.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.
        **score_params : dict
            Further arguments of the scorer; only with metadata routing enabled.

        Returns
        -------
        float
            The score; greater is better.
        """
        routed = routed_params(self, "score", sample_weight, score_params)
        check_is_fitted(self)
        scorer = for_all_classes(scorer_of(self.scoring), self.classes_)
        return scorer(self, X, y, **routed.scorer.score)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return who takes which argument of ``fit`` and ``score``.

        Returns
        -------
        MetadataRouter
            Requests of this classifier, of ``cv`` and of the scorer.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        router.add(
            splitter=self.cv,
            method_mapping=MethodMapping().add(caller="fit", callee="split"),
        )
        mapping = MethodMapping().add(caller="fit", callee="score")
        mapping = mapping.add(caller="score", callee="score")
        return router.add(scorer=scorer_of(self.scoring), method_mapping=mapping)
