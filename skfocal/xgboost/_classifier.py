"""Focal loss for XGBoost: the classifier."""

import inspect
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import xgboost as xgb
from scipy.special import logit

from skfocal._boosting.classifier import parameter_names
from skfocal._boosting.objective import Hessian
from skfocal._boosting.rows import BoostingRows
from skfocal._boosting.words import OWN_WORDS
from skfocal._classes import unchanged_on_error
from skfocal.loss._loss import Link
from skfocal.xgboost._model import check_same_kind, link_words, up_to_best
from skfocal.xgboost._start import held_start
from skfocal.xgboost._train import Training
from skfocal.xgboost._trained import TrainedXGBModel
from skfocal.xgboost._words import (
    check_base_score,
    check_objective,
    positive_factor,
    refuse_words,
    validation_pairs,
)

__all__ = ["FocalXGBClassifier"]

FloatArray = npt.NDArray[np.floating]

_HOST_PARAMETERS = inspect.signature(xgb.XGBModel.__init__).parameters
# What xgboost.train gets in another way than as a parameter of its own.
_NOT_PARAMS = {
    *OWN_WORDS,
    *("objective", "num_class", "n_estimators", "base_score"),
    *("missing", "enable_categorical", "feature_types", "feature_weights"),
    *("eval_metric", "early_stopping_rounds", "callbacks", "importance_type"),
    *("random_state", "scale_pos_weight"),
}


class FocalXGBClassifier(TrainedXGBModel):
    r"""XGBoost classifier trained with the focal loss, with true probabilities.

    It takes the parameters of :class:`xgboost.XGBClassifier` under their names and with
    their defaults, further XGBoost parameters as keywords, and trains through
    ``xgboost.train``. What differs is the loss (:arxiv:`1708.02002`),

    .. math:: \mathrm{FL} = -\alpha_t (1 - p_t)^\gamma \log p_t ,

    in the log-odds of the class probability behind it (:arxiv:`2011.09172`), with
    bounded Newton steps. The sigmoid or softmax of a raw prediction is the probability,
    in ``predict_proba`` and wherever XGBoost serves the saved model. Labels may be of
    any type.

    None as a default stands for XGBoost's own.

    Parameters
    ----------
    focal_gamma : float or sequence of float, default=2.0
        Focusing parameter, 0 to 20, of all classes or of each; 0 makes it the log loss.
    focal_alpha : None, float, "balanced", dict or sequence of float, default=None
        Cost of a mistake on each class, which moves ``predict``, while probabilities
        stay those of the classes: the weight in (0, 1) of ``classes_[1]`` of two, whose
        rest the other has; "balanced", inverse to the class frequencies by sample
        weight; positive weights by label, 1 for those left out; or one per class.
    focal_link : {"posterior", "focal"}, default="posterior"
        Whose log-odds the raw predictions are: the class probability's, or those of the
        paper's focal probability, out of which ``predict_proba`` makes the other.
    focal_hessian : {"bounded", "expected", "absolute"}, default="bounded"
        Newton weight of a sample, as in :class:`skfocal.xgboost.FocalObjective`.
    validation_fraction : float or None, default=None
        Share of the training data to stop early by, drawn by class, if ``fit`` gets no
        validation data.
    objective : str or None, default=None
        The log loss whose focal form is trained: "multi:softprob" or "multi:softmax" of
        more than two classes, "binary:logistic", XGBoost's own default, of any.
    max_depth : int or None, default=None
        Largest depth of a tree.
    max_leaves : int or None, default=None
        Largest number of leaves of a tree; 0 for no limit.
    max_bin : int or None, default=None
        Number of bins of a feature.
    grow_policy : {"depthwise", "lossguide"} or None, default=None
        Which node is split next.
    learning_rate : float or None, default=None
        Factor of each tree.
    n_estimators : int or None, default=None
        Number of boosting rounds, 100 by default.
    verbosity : {0, 1, 2, 3} or None, default=None
        How much XGBoost prints, from nothing to debugging.
    booster : {"gbtree", "gblinear", "dart"} or None, default=None
        What is boosted.
    tree_method : {"auto", "exact", "approx", "hist"} or None, default=None
        How splits are found.
    n_jobs : int or None, default=None
        Threads; None for all cores.
    gamma : float or None, default=None
        Least gain of a split. (The focusing parameter is ``focal_gamma``.)
    min_child_weight : float or None, default=None
        Least sum of Newton weights in a leaf.
    max_delta_step : float or None, default=None
        Largest output of a leaf; 0 for no limit.
    subsample : float or None, default=None
        Share of the samples that a tree sees.
    sampling_method : {"uniform", "gradient_based"} or None, default=None
        How they are drawn.
    colsample_bytree, colsample_bylevel, colsample_bynode : float or None, default=None
        Share of the features that a tree, a level, a node sees.
    reg_alpha : float or None, default=None
        L1 penalty of the leaves.
    reg_lambda : float or None, default=None
        L2 penalty of the leaves.
    scale_pos_weight : float or None, default=None
        Factor of the weights of ``classes_[1]``, for two classes; of more XGBoost warns
        that it isn't used. Like ``sample_weight``, and unlike ``focal_alpha``, it
        changes the population that the probabilities speak of.
    base_score : float, list of float or None, default=None
        Start value in place of the best constant: a probability for two classes, a raw
        prediction for all or for each of more classes.
    random_state : int, RandomState, Generator or None, default=None
        Seed.
    missing : float, default=nan
        Value that means a missing one.
    num_parallel_tree : int or None, default=None
        Number of trees grown in each round.
    monotone_constraints, interaction_constraints : default=None
        Constraints, as XGBoost takes them.
    importance_type : str or None, default=None
        What ``feature_importances_`` holds: "gain" (the default for trees), "weight"
        (for a linear model), "cover", "total_gain" or "total_cover".
    device : str or None, default=None
        Where to train, such as "cpu" or "cuda". The focal loss is computed on the CPU.
    validate_parameters : bool or None, default=None
        Whether XGBoost tells of parameters that it doesn't know.
    enable_categorical : bool
        Whether categorical columns of a DataFrame are used as such; by default as in
        the installed XGBoost, which does so since 3.3.
    feature_types : sequence of str or None, default=None
        Types of the features where X is no DataFrame: "q" for numbers, "c" for
        categories.
    feature_weights : array-like of shape (n_features,) or None, default=None
        Weights of the features when they are drawn.
    max_cat_to_onehot, max_cat_threshold : int or None, default=None
        How categories are split.
    multi_strategy : {"one_output_per_tree", "multi_output_tree"} or None, default=None
        Whether each class has its own trees.
    eval_metric : str, callable, list of them or None, default=None
        Metrics of the validation sets in place of the default,
        ``"relative_focal_loss"``, the focal loss over that of the best constant. Names
        are XGBoost's own (``"logloss"``, ``"mlogloss"``, ``"error@0.7"``, ``"aucpr"``
        ...), computed from the class probabilities in either link. A callable takes
        ``(y_true, y_proba)`` and, with weights, the keyword ``sample_weight``; its
        labels are 0 .. n_classes - 1, its probabilities those of class 1 or of each
        class, in whose place ``objective="multi:softmax"`` has the most probable class.
        It is minimised, unless its name begins like a metric that XGBoost maximises.
        If its name is taken, it is ``name_1`` in the results.
    early_stopping_rounds : int or None, default=None
        Rounds without a better last metric on the last validation set, after which
        training stops.
    callbacks : list of xgboost.callback.TrainingCallback or None, default=None
        Callbacks of ``xgboost.train``.
    **kwargs
        Further XGBoost parameters.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    booster_ : xgboost.Booster
        The fitted model, up to the best round. It holds the start value and the link,
        so that ``predict`` of the saved model gives the sigmoid or softmax of
        :meth:`decision_function` in every language, and the focal loss and the labels,
        which :meth:`from_booster` reads.
    loss_ : FocalLoss
        The loss with its class weights resolved.
    initial_score_ : float or ndarray of shape (n_classes,)
        Where training started, in log-odds: at the best constant, or 0 if
        ``base_margin`` or ``xgb_model`` was given, and for a linear model of more than
        two classes. XGBoost's ``base_score`` holds it in float32 and, for two classes,
        between the log-odds of 1e-6 and of 1 - 1e-6. What is left of the start of a
        rarer class stands in the leaves of the first tree, also where a prediction
        leaves that tree or ``base_score`` out, or in a linear model's bias. A model of
        no rounds has no place for it and starts at the nearest that ``base_score``
        holds; so does training on a cluster, where the shift makes up for it.
    calibration_shift_ : float or ndarray of shape (n_classes,)
        By how much the finished model's start was moved: see the notes.
    n_iter_ : int
        Number of boosting rounds in the model.
    best_iteration_ : int or None
        Round of the best validation score, counted from 0; None without early stopping.
    best_score_ : float or None
        Validation score at that round.
    evals_result_ : dict
        Scores of all rounds, by validation set and metric; ``calibration_shift_`` came
        after them.
    n_features_in_ : int
        Number of features that it was trained with.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, if all are strings.

    See Also
    --------
    skfocal.xgboost.FocalObjective : The same loss for ``xgboost.train``.

    Notes
    -----
    After training in the posterior link the start value is moved so that the training
    data's mean probability of each class is its weighted share, which finite trees
    miss: they balance weighted errors. It stays where ``base_margin`` was given, and in
    linear models of more than two classes.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skfocal import FocalXGBClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = FocalXGBClassifier(focal_gamma=2.0, n_estimators=20)
    >>> model.fit(X, y).predict_proba(X).shape
    (569, 2)

    A classifier from its model alone:

    >>> import xgboost as xgb
    >>> saved = xgb.Booster(model_file=model.booster_.save_raw("json"))
    >>> restored = FocalXGBClassifier.from_booster(saved)
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
        objective: str | None = None,
        max_depth: int | None = None,
        max_leaves: int | None = None,
        max_bin: int | None = None,
        grow_policy: str | None = None,
        learning_rate: float | None = None,
        n_estimators: int | None = None,
        verbosity: int | None = None,
        booster: str | None = None,
        tree_method: str | None = None,
        n_jobs: int | None = None,
        gamma: float | None = None,
        min_child_weight: float | None = None,
        max_delta_step: float | None = None,
        subsample: float | None = None,
        sampling_method: str | None = None,
        colsample_bytree: float | None = None,
        colsample_bylevel: float | None = None,
        colsample_bynode: float | None = None,
        reg_alpha: float | None = None,
        reg_lambda: float | None = None,
        scale_pos_weight: float | None = None,
        base_score: Any = None,
        random_state: Any = None,
        missing: float = np.nan,
        num_parallel_tree: int | None = None,
        monotone_constraints: Any = None,
        interaction_constraints: Any = None,
        importance_type: str | None = None,
        device: str | None = None,
        validate_parameters: bool | None = None,
        enable_categorical: bool = _HOST_PARAMETERS["enable_categorical"].default,
        feature_types: Sequence[str] | None = None,
        feature_weights: Any = None,
        max_cat_to_onehot: int | None = None,
        max_cat_threshold: int | None = None,
        multi_strategy: str | None = None,
        eval_metric: Any = None,
        early_stopping_rounds: int | None = None,
        callbacks: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.focal_gamma = focal_gamma
        self.focal_alpha = focal_alpha
        self.focal_link = focal_link
        self.focal_hessian = focal_hessian
        self.validation_fraction = validation_fraction
        self.objective = objective
        self.max_depth = max_depth
        self.max_leaves = max_leaves
        self.max_bin = max_bin
        self.grow_policy = grow_policy
        self.learning_rate = learning_rate
        self.n_estimators = n_estimators
        self.verbosity = verbosity
        self.booster = booster
        self.tree_method = tree_method
        self.n_jobs = n_jobs
        self.gamma = gamma
        self.min_child_weight = min_child_weight
        self.max_delta_step = max_delta_step
        self.subsample = subsample
        self.sampling_method = sampling_method
        self.colsample_bytree = colsample_bytree
        self.colsample_bylevel = colsample_bylevel
        self.colsample_bynode = colsample_bynode
        self.reg_alpha = reg_alpha
        self.reg_lambda = reg_lambda
        self.scale_pos_weight = scale_pos_weight
        self.base_score = base_score
        self.random_state = random_state
        self.missing = missing
        self.num_parallel_tree = num_parallel_tree
        self.monotone_constraints = monotone_constraints
        self.interaction_constraints = interaction_constraints
        self.importance_type = importance_type
        self.device = device
        self.validate_parameters = validate_parameters
        self.enable_categorical = enable_categorical
        self.feature_types = feature_types
        self.feature_weights = feature_weights
        self.max_cat_to_onehot = max_cat_to_onehot
        self.max_cat_threshold = max_cat_threshold
        self.multi_strategy = multi_strategy
        self.eval_metric = eval_metric
        self.early_stopping_rounds = early_stopping_rounds
        self.callbacks = callbacks
        self._engine_words = kwargs

    def _check_task(self) -> None:
        check_objective(self.objective, self._engine_words, self.n_classes_)
        if self.base_score is not None:
            check_base_score(self.base_score, self.n_classes_)

    def _train_params(self) -> dict[str, Any]:
        """Return XGBoost's parameters; None is its own default."""
        refuse_words(self._engine_words)
        # Those of a user's subclass are none of XGBoost's.
        names = parameter_names(FocalXGBClassifier)
        given = {name: getattr(self, name) for name in names} | self._engine_words
        params = {
            name: value
            for name, value in given.items()
            if name not in _NOT_PARAMS and value is not None
        }
        return params | self._seed()

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        base_margin: Any = None,
        eval_set: Sequence[tuple[Any, Any]] | None = None,
        verbose: bool | int | None = True,
        xgb_model: Any = None,
        sample_weight_eval_set: Sequence[Any] | None = None,
        base_margin_eval_set: Sequence[Any] | None = None,
        feature_weights: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train the trees, or the linear model.

        Parameters
        ----------
        X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
            Features; missing values and, with ``enable_categorical``, categorical
            columns of a DataFrame are welcome.
        y : array-like of shape (n_samples,)
            Class labels of any type, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0. Rows of weight 0 don't count.
        base_margin : array-like of shape (n_samples,) or (n_samples, n_classes), \
                default=None
            Raw predictions to start from, in log-odds, instead of the best constant.
            The model doesn't hold them.
        eval_set : list of (X, y), default=None
            Validation data, called ``validation_0``, ``validation_1`` ...
        verbose : bool or int, default=True
            Whether to print the metrics of each round, or of each ``verbose`` rounds.
        xgb_model : str, Path, Booster or fitted classifier, default=None
            Model to go on from, up to its best round.
        sample_weight_eval_set : list of array-like, default=None
            Sample weights of each validation set.
        base_margin_eval_set : list of array-like, default=None
            Start of the raw predictions of each validation set.
        feature_weights : array-like of shape (n_features,), default=None
            As in the constructor, where XGBoost would rather have it.
        X_val : array-like, DataFrame or sparse matrix, default=None
            Features of one more validation set, the last. A Pipeline with
            ``transform_input=["X_val"]`` transforms it.
        y_val : array-like, default=None
            Its labels.
        sample_weight_val : array-like, default=None
            Its sample weights.

        Returns
        -------
        self
            The fitted classifier; after an error it is what it was.
        """
        extras = {
            "sample_weight_eval_set": sample_weight_eval_set,
            "base_margin_eval_set": base_margin_eval_set,
        }
        with unchanged_on_error(self), xgb.config_context(verbosity=self.verbosity):
            params = self._train_params()
            drawn_by = self._choose_feature_weights(feature_weights)
            train = self._training_data(X, y, sample_weight, base_margin)
            valid = self._validation_pairs(
                validation_pairs(eval_set, **extras),
                extras,
                train,
                given=(X, y, sample_weight, base_margin),
            )
            valid += self._validation_set(X_val, y_val, sample_weight_val)
            train, held_out = self._held_out(train, self._stops_early(), valid)
            self._train(
                params,
                train,
                valid + held_out,
                verbose=verbose,
                origin=self._model_to_go_on_from(xgb_model, "xgb_model"),
                feature_weights=drawn_by,
            )
        return self

    def _stops_early(self) -> bool:
        stopping = xgb.callback.EarlyStopping
        by_callback = any(isinstance(c, stopping) for c in self.callbacks or ())
        return by_callback or self.early_stopping_rounds is not None

    def _choose_feature_weights(self, in_fit: Any) -> Any:
        if in_fit is not None and self.feature_weights is not None:
            raise ValueError(
                "feature_weights must be given once, got it in fit as well"
            )
        return self.feature_weights if in_fit is None else in_fit

    def _factors_of_classes(self, n_rows: npt.NDArray[np.integer]) -> FloatArray | None:
        factor = positive_factor(self.scale_pos_weight, self.n_classes_)
        return None if factor == 1.0 else np.array([1.0, factor])

    def _train(
        self,
        params: dict[str, Any],
        train: BoostingRows,
        valid: list[BoostingRows],
        *,
        origin: xgb.Booster | None,
        **words: Any,
    ) -> None:
        if self.early_stopping_rounds is not None and not valid:
            raise ValueError(
                "early_stopping_rounds must be None without validation data in "
                f"eval_set or X_val, got {self.early_stopping_rounds}"
            )
        if origin is not None:
            check_same_kind(self.booster, origin)
        rounds, start = self.get_num_boosting_rounds(), self._start_of(train, origin)
        # Without trees there is no place for more than base_score holds.
        self.initial_score_ = start if rounds else held_start(start)
        training = Training(
            loss=self.loss_,
            hessian=self.focal_hessian,
            start=self.initial_score_,
            params=params | self._task_words(),
            rounds=rounds,
            rows=train,
            valid=valid,
            matrix_words=self._matrix_words(self._engine_words.get("nthread")),
            eval_metric=self.eval_metric,
            of_labels=self.objective == "multi:softmax",
            early_stopping_rounds=self.early_stopping_rounds,
            callbacks=self.callbacks,
            origin=None if origin is None else up_to_best(origin),
            **words,
        )
        booster, self.evals_result_ = training.run()
        self.calibration_shift_ = training.shift
        self._set_booster(booster)

    def _task_words(self) -> dict[str, Any]:
        words = link_words(self.n_classes_)
        if self.n_classes_ > 2 and self.scale_pos_weight is not None:
            # XGBoost warns that it has no use for it.
            words["scale_pos_weight"] = self.scale_pos_weight
        return words

    def _start_of(self, train: BoostingRows, xgb_model: Any) -> Any:
        """Return the raw prediction that the first tree of the model adds to."""
        if self.base_score is not None and xgb_model is None:
            if self.n_classes_ == 2:
                return float(logit(self.base_score))
            return np.full(self.n_classes_, self.base_score, dtype=np.float64)
        # Linear models have one start for all classes (XGBoost 3.2 takes the first).
        linear = self.booster == "gblinear" and self.n_classes_ > 2
        elsewhere = train.offset is not None or xgb_model is not None
        return self._start(train, linear or elsewhere)
