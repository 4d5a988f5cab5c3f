"""Focal loss for LightGBM: the classifier."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from skfocal._boosting.objective import Hessian
from skfocal._boosting.rows import BoostingRows
from skfocal._classes import unchanged_on_error
from skfocal.lightgbm._model import self_contained
from skfocal.lightgbm._train import Training
from skfocal.lightgbm._trained import TrainedLGBMModel
from skfocal.lightgbm._words import (
    DECIDED_HERE,
    check_column_names,
    check_objective,
    class_factors,
    evaluation_names,
    refuse_columns,
    refuse_words,
    stops_early,
    thread_count,
    validation_pairs,
)
from skfocal.loss._loss import Link

__all__ = ["FocalLGBMClassifier"]

FloatArray = npt.NDArray[np.floating]

# Constructor words that lightgbm.train knows under the same name.
_TREE_WORDS = (
    *("boosting_type", "num_leaves", "max_depth", "learning_rate"),
    *("subsample_for_bin", "min_split_gain", "min_child_weight", "min_child_samples"),
    *("subsample", "subsample_freq", "colsample_bytree", "reg_alpha", "reg_lambda"),
)


class FocalLGBMClassifier(TrainedLGBMModel):
    r"""LightGBM classifier trained with the focal loss, with true probabilities.

    It takes the parameters of :class:`lightgbm.LGBMClassifier` under their names and
    with their defaults, further LightGBM parameters and aliases as keywords, and trains
    through ``lightgbm.train``. What differs is the loss (Lin et al. 2017,
    :arxiv:`1708.02002`),

    .. math:: \mathrm{FL} = -\alpha_t (1 - p_t)^\gamma \log p_t ,

    as a function of the log-odds of the class probability that it stands for
    (Charoenphakdee et al. 2021, :arxiv:`2011.09172`), and that Newton steps are
    bounded: ``predict_proba`` is the sigmoid or softmax of the raw predictions, here
    and wherever LightGBM predicts from the saved model.

    Parameters
    ----------
    focal_gamma : float or sequence of float, default=2.0
        Focusing parameter, from 0 to 20; one for all classes or one per class. 0 is
        the log loss.
    focal_alpha : None, float, "balanced", dict or sequence of float, default=None
        What a mistake on each class costs. A float in (0, 1) is the weight of
        ``classes_[1]`` of two, and the other class has the rest; "balanced" weights
        inversely to the class frequencies, by sample weight; a dict gives positive
        weights by label, 1 where it has none; a sequence has one per class. It moves
        ``predict``; the probabilities stay those of the classes.
    focal_link : {"posterior", "focal"}, default="posterior"
        What a raw prediction is: the log-odds of the class probability, or those of the
        paper's focal probability, from which ``predict_proba`` recovers it.
    focal_hessian : {"bounded", "expected", "absolute"}, default="bounded"
        Newton weight of a sample: as :class:`skfocal.lightgbm.FocalObjective` calls it.
    validation_fraction : float or None, default=None
        Share of the training data, drawn by class, to stop early by where ``fit`` gets
        no validation data.
    boosting_type : {"gbdt", "dart"} and aliases, default="gbdt"
        How trees are combined. Random forests ("rf") take no custom objective.
    num_leaves : int, default=31
        Largest number of leaves of a tree.
    max_depth : int, default=-1
        Largest depth of a tree; no limit if negative.
    learning_rate : float, default=0.1
        Factor of each tree.
    n_estimators : int, default=100
        Number of boosting rounds.
    subsample_for_bin : int, default=200000
        Number of samples that decide the bins.
    objective : {"binary", "multiclass"} or None, default=None
        The log loss whose focal form is trained, as the classes in ``y`` have it.
    class_weight : dict, "balanced" or None, default=None
        Weights that multiply the sample weights of each class. Unlike ``focal_alpha``
        they change the population that the probabilities speak of.
    min_split_gain : float, default=0.0
        Least gain of a split.
    min_child_weight : float, default=1e-3
        Least sum of Newton weights in a leaf.
    min_child_samples : int, default=20
        Least number of samples in a leaf.
    subsample : float, default=1.0
        Share of the samples that a tree sees, if ``subsample_freq`` is positive.
    subsample_freq : int, default=0
        Number of rounds between two subsamples; 0 for none.
    colsample_bytree : float, default=1.0
        Share of the features that a tree sees.
    reg_alpha : float, default=0.0
        L1 penalty of the leaves.
    reg_lambda : float, default=0.0
        L2 penalty of the leaves.
    random_state : int, RandomState, Generator or None, default=None
        Seed; None for LightGBM's own fixed seeds.
    n_jobs : int or None, default=None
        Threads; None for the physical cores, negative counts from all cores.
    importance_type : {"split", "gain"}, default="split"
        What ``feature_importances_`` holds.
    **kwargs
        Further LightGBM parameters and aliases, such as ``max_bin`` or
        ``feature_fraction``; among them ``early_stopping_round``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    booster_ : lightgbm.Booster
        The fitted model. It holds the start value and the link, so that ``predict`` of
        the saved model gives the sigmoid or softmax of :meth:`decision_function` in
        every language.
    loss_ : FocalLoss
        The loss with its class weights resolved.
    initial_score_ : float or ndarray of shape (n_classes,)
        Start value of the training, in log-odds: the best constant, or 0 if
        ``init_score`` or ``init_model`` was given.
    calibration_shift_ : float or ndarray of shape (n_classes,)
        What was added to the finished model's raw predictions: see the notes.
    n_iter_ : int
        Number of boosting rounds in the model.
    best_iteration_ : int
        Round of the best validation score, 0 without early stopping.
    best_score_ : dict
        Validation scores at that round.
    evals_result_ : dict
        Validation scores of all rounds, by validation set and metric, from before
        ``calibration_shift_`` was added.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if all are strings.

    See Also
    --------
    skfocal.lightgbm.FocalObjective : The same loss for ``lightgbm.train``.

    Notes
    -----
    In the posterior link a constant is added to the finished model, so that its mean
    probability of each class on the training data is the class's weighted share: finite
    trees bring weighted errors to balance. Not so if ``init_score`` is given.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skfocal import FocalLGBMClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = FocalLGBMClassifier(focal_gamma=2.0, n_estimators=20, verbosity=-1)
    >>> model.fit(X, y).predict_proba(X).shape
    (569, 2)

    The model alone is enough to go on predicting:

    >>> import lightgbm as lgb
    >>> saved = lgb.Booster(model_str=model.booster_.model_to_string())
    >>> restored = FocalLGBMClassifier.from_booster(saved)
    >>> bool((restored.predict_proba(X) == model.predict_proba(X)).all())
    True
    """

    def __init__(
        self,
        focal_gamma: Any = 2.0,
        focal_alpha: Any = None,
        *,
        focal_link: Link = "posterior",
        focal_hessian: Hessian = "bounded",
        validation_fraction: float | None = None,
        boosting_type: str = "gbdt",
        num_leaves: int = 31,
        max_depth: int = -1,
        learning_rate: float = 0.1,
        n_estimators: int = 100,
        subsample_for_bin: int = 200000,
        objective: str | None = None,
        class_weight: Any = None,
        min_split_gain: float = 0.0,
        min_child_weight: float = 1e-3,
        min_child_samples: int = 20,
        subsample: float = 1.0,
        subsample_freq: int = 0,
        colsample_bytree: float = 1.0,
        reg_alpha: float = 0.0,
        reg_lambda: float = 0.0,
        random_state: Any = None,
        n_jobs: int | None = None,
        importance_type: str = "split",
        **kwargs: Any,
    ) -> None:
        self.focal_gamma = focal_gamma
        self.focal_alpha = focal_alpha
        self.focal_link = focal_link
        self.focal_hessian = focal_hessian
        self.validation_fraction = validation_fraction
        self.boosting_type = boosting_type
        self.num_leaves = num_leaves
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.n_estimators = n_estimators
        self.subsample_for_bin = subsample_for_bin
        self.objective = objective
        self.class_weight = class_weight
        self.min_split_gain = min_split_gain
        self.min_child_weight = min_child_weight
        self.min_child_samples = min_child_samples
        self.subsample = subsample
        self.subsample_freq = subsample_freq
        self.colsample_bytree = colsample_bytree
        self.reg_alpha = reg_alpha
        self.reg_lambda = reg_lambda
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.importance_type = importance_type
        self._engine_words = kwargs

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        init_score: Any = None,
        eval_set: Any = None,
        eval_names: Sequence[str] | None = None,
        eval_sample_weight: Sequence[Any] | None = None,
        eval_class_weight: Sequence[Any] | None = None,
        eval_init_score: Sequence[Any] | None = None,
        eval_metric: Any = None,
        feature_name: Any = "auto",
        categorical_feature: Any = "auto",
        callbacks: Sequence[Callable[..., Any]] | None = None,
        init_model: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        eval_X: Any = None,
        eval_y: Any = None,
    ) -> Self:
        """Grow the trees.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Features; missing values, and categorical columns in a DataFrame, are
            welcome.
        y : array-like of shape (n_samples,)
            Class labels of any type, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0. Rows of weight 0 don't count.
        init_score : array-like of shape (n_samples,) or (n_samples, n_classes), \
                default=None
            Raw predictions to start from, in log-odds, instead of the best constant.
            The model doesn't hold them.
        eval_set : list of (X, y), default=None
            Validation data.
        eval_names : list of str, default=None
            Names of the validation sets, by default ``valid_0``, ``valid_1`` ...; the
            one of ``X_val`` is always ``valid_0``.
        eval_sample_weight : list of array-like, default=None
            Sample weights of each validation set.
        eval_class_weight : list of dict or "balanced", default=None
            Class weights of each validation set.
        eval_init_score : list of array-like, default=None
            Start of the raw predictions of each validation set.
        eval_metric : str, callable or list of them, default=None
            Metrics of the validation sets, beside those of the parameter ``metric``,
            which are the focal loss by default. LightGBM's names: the rank metrics
            ``"auc"``, ``"average_precision"`` and ``"auc_mu"``; ``"binary_logloss"``,
            ``"multi_logloss"``, ``"binary_error"``, ``"multi_error"``,
            ``"cross_entropy"``, ``"l1"``, ``"l2"``, ``"rmse"`` and ``"fair"``, of the
            class probabilities; and ``"focal_loss"``. A callable takes
            ``(y_true, y_proba)`` or ``(y_true, y_proba, weight)``, with labels
            0 .. n_classes - 1 and probabilities of class 1 or of each class, and
            returns name, value and whether more is better. Of two metrics of one name
            the later one is called ``name_1``.
        feature_name : list of str or "auto", default="auto"
            Names of the features.
        categorical_feature : list of str or int, or "auto", default="auto"
            Categorical features, by default those that a DataFrame holds as such.
        callbacks : list of callable, default=None
            Callbacks of ``lightgbm.train``.
        init_model : str, Path, Booster or fitted classifier, default=None
            Model to go on from.
        X_val : array-like, DataFrame or sparse matrix, default=None
            Features of one more validation set, the first. A Pipeline with
            ``transform_input=["X_val"]`` transforms it. A search or a cross-validation
            slices what has as many rows as ``X``, but no tuple ``(X_val,)``.
        y_val : array-like, default=None
            Its labels.
        sample_weight_val : array-like, default=None
            Its sample weights.
        eval_X : array-like, DataFrame, sparse matrix, or tuple of them, default=None
            Features of the validation sets, LightGBM's newer names for ``eval_set``.
        eval_y : array-like, or tuple of them, default=None
            Their labels.

        Returns
        -------
        self
            The fitted classifier. A failed fit leaves it as it was.
        """
        with unchanged_on_error(self):
            params = self._train_params()
            train = self._training_data(X, y, sample_weight, init_score)
            given_names = () if isinstance(feature_name, str) else feature_name
            check_column_names(given_names or getattr(self, "feature_names_in_", ()))
            extras = {
                "eval_sample_weight": eval_sample_weight,
                "eval_init_score": eval_init_score,
                "eval_class_weight": eval_class_weight,
            }
            pairs = validation_pairs(eval_set, eval_X, eval_y)
            given = (X, y, sample_weight, init_score)
            valid = self._validation_pairs(pairs, extras, train, given)
            first = self._validation_set(X_val, y_val, sample_weight_val)
            stopping = stops_early(params, callbacks)
            train, held_out = self._held_out(train, stopping, first + valid)
            first += held_out
            of_training = [pair[0] is X and pair[1] is y for pair in pairs]
            names = evaluation_names(eval_names, of_training, len(first))
            self._train(
                params,
                train,
                valid=first + valid,
                valid_names=names,
                columns={
                    "feature_name": feature_name,
                    "categorical_feature": categorical_feature,
                },
                eval_metric=eval_metric,
                callbacks=callbacks,
                origin=self._model_to_go_on_from(init_model, "init_model"),
            )
        return self

    def _check_features(self, X: Any, y: Any = None, *, reset: bool) -> Any:
        refuse_columns(X)
        return super()._check_features(X, y, reset=reset)

    def _factors_of_classes(self, n_rows: npt.NDArray[np.integer]) -> FloatArray | None:
        return class_factors(self._engine_words, n_rows)

    def _check_task(self) -> None:
        check_objective(self.objective, self._engine_words, self.n_classes_)

    def _train_params(self) -> dict[str, Any]:
        """Return LightGBM's parameters, all of them, as its own classifier does.

        Of a parameter and its alias LightGBM then takes the one, and warns.
        """
        params = {name: getattr(self, name) for name in _TREE_WORDS}
        params |= self._engine_words
        refuse_words(params)
        params = {k: v for k, v in params.items() if k not in DECIDED_HERE}
        params["num_threads"] = thread_count(self.n_jobs, self._engine_words)
        return params | self._seed()

    def _take_given_names(self, X: Any, feature_name: Any) -> None:
        """Know an array's features by the names that ``fit`` gave them."""
        if not isinstance(feature_name, str) and not hasattr(X, "columns"):
            self.feature_names_in_ = np.array(feature_name, dtype=object)

    def _train(
        self,
        params: dict[str, Any],
        train: BoostingRows,
        *,
        origin: lgb.Booster | None,
        **words: Any,
    ) -> None:
        elsewhere = train.offset is not None or origin is not None
        self.initial_score_ = self._start(train, elsewhere)
        if self.n_classes_ > 2:
            params["num_class"] = self.n_classes_
        training = Training(
            loss=self.loss_,
            hessian=self.focal_hessian,
            start=self.initial_score_,
            rounds=self.n_estimators,
            params=params,
            rows=train,
            origin=origin,
            **words,
        )
        booster, self.evals_result_ = training.run()
        self._take_given_names(train.X, words["columns"]["feature_name"])
        self.calibration_shift_ = training.shift
        start = 0.0 if elsewhere else self.initial_score_
        start = start + self.calibration_shift_
        self._set_booster(self_contained(booster, self._state(), start, n_rounds=None))
