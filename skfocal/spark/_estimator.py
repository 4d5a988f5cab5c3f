"""The estimator on Spark."""

from typing import Any

from pyspark import keyword_only
from pyspark.ml import Estimator
from pyspark.ml.util import (
    DefaultParamsReadable,
    DefaultParamsWritable,
    DefaultParamsWriter,
)
from pyspark.sql import DataFrame

from skfocal.spark._host import host_defaults
from skfocal.spark._model import SparkFocalXGBClassifierModel, trained_classifier
from skfocal.spark._params import FocalSparkParams
from skfocal.spark._rows import SparkRows
from skfocal.spark._training import SparkTraining, check_params

__all__ = ["SparkFocalXGBClassifier"]

_HOST_DEFAULTS = host_defaults()


class SparkFocalXGBClassifier(
    Estimator, FocalSparkParams, DefaultParamsReadable, DefaultParamsWritable
):
    r"""XGBoost classifier trained with the focal loss on Spark.

    :class:`skfocal.FocalXGBClassifier` where the rows are a Spark data set. It trains
    through :class:`xgboost.spark.SparkXGBClassifier`, whose parameters it takes under
    their names and with their defaults (but for ``force_repartition``), and minimises

    .. math:: \mathrm{FL} = -\alpha_t (1 - p_t)^\gamma \log p_t

    (:arxiv:`1708.02002`), in the log-odds of the class probability behind it
    (:arxiv:`2011.09172`).

    One pass over the rows checks labels and weights, and counts the classes: where
    training starts, and ``focal_alpha="balanced"``, are those of all workers' rows.
    Rows of weight 0 don't count.

    Parameters
    ----------
    focal_gamma : float or sequence of float, default=2.0
        Focusing parameter >= 0, of all classes or of each; 0 makes it the log loss.
    focal_alpha : None, float, "balanced", dict or sequence of float, default=None
        Cost of a mistake on each class, which moves ``prediction``, while probabilities
        stay those of the classes: the weight in (0, 1) of class 1 of two, whose rest
        the other has; "balanced", inverse to the class frequencies by weight; positive
        weights by label, 1 for those left out; or one per class.
    focal_link : {"posterior", "focal"}, default="posterior"
        Whose log-odds the raw predictions are: the class probability's, or those of the
        paper's focal probability.
    focal_hessian : {"bounded", "expected", "absolute"}, default="bounded"
        Newton weight of a sample, as in :class:`skfocal.xgboost.FocalObjective`.
    features_col : str or list of str, default="features"
        A column of vectors or of arrays of numbers; or columns of numbers, whose nulls
        are missing values.
    label_col : str, default="label"
        Column of the labels 0 .. n_classes - 1, which
        :class:`pyspark.ml.feature.StringIndexer` makes of any others.
    weight_col : str or None, default=None
        Column of sample weights >= 0.
    validation_indicator_col : str or None, default=None
        Column of booleans, true for the rows to validate on.
    raw_prediction_col : str, default="rawPrediction"
        Column to add, of raw predictions in log-odds; "" for none, as below.
    probability_col : str, default="probability"
        Column to add, of class probabilities.
    prediction_col : str, default="prediction"
        Column to add, of the class of least expected cost.
    pred_contrib_col : str or None, default=None
        Column to add, of SHAP contributions to each raw prediction.
    num_workers : int, default=1
        Number of tasks that train together, at most as many as Spark runs at a time.
    device : {"cpu", "cuda", "gpu"}, default="cpu"
        Where to train; the focal loss is computed on the CPU.
    force_repartition : bool, default=True
        Whether to redistribute the rows even if there are ``num_workers`` partitions.
    repartition_random_shuffle : bool, default=False
        Whether to do so at random.
    enable_sparse_data_optim : bool, default=False
        Whether sparse vectors stay sparse in training; needs ``missing=0.0``.
    launch_tracker_on_driver : bool or None
        Whether the driver coordinates the workers; by default it does. XGBoost 3.4
        shows no default, and takes False through Spark Connect.
    coll_cfg : xgboost.collective.Config or None, default=None
        How the workers talk to each other, time limits included.
    **kwargs
        Parameters of :class:`xgboost.XGBClassifier`, such as ``n_estimators``,
        ``max_depth``, ``scale_pos_weight``, ``early_stopping_rounds`` and
        ``eval_metric`` (names only), and any further ones of XGBoost.

    See Also
    --------
    skfocal.FocalXGBClassifier : The same on one machine.

    Notes
    -----
    After training in the posterior link the start value is moved so that the training
    rows' mean probability of each class is its weighted share, over all workers.

    Examples
    --------
    >>> from pyspark.sql import SparkSession
    >>> from skfocal.spark import SparkFocalXGBClassifier
    >>> spark = SparkSession.builder.getOrCreate()  # doctest: +SKIP
    >>> frame = spark.read.parquet("s3://bucket/train")  # doctest: +SKIP
    >>> estimator = SparkFocalXGBClassifier(
    ...     focal_gamma=2.0, features_col=["age", "income"], label_col="bought",
    ...     num_workers=8, n_estimators=200)
    >>> model = estimator.fit(frame)  # doctest: +SKIP
    >>> model.transform(frame).select("probability", "prediction")  # doctest: +SKIP
    >>> model.to_local().predict_proba(X)  # doctest: +SKIP
    """

    # Spark's files hold it: they must not depend on where the code stands.
    __module__ = "skfocal.spark"

    _input_kwargs: dict[str, Any]

    @keyword_only
    def __init__(
        self,
        *,
        focal_gamma: Any = 2.0,
        focal_alpha: Any = None,
        focal_link: str = "posterior",
        focal_hessian: str = "bounded",
        features_col: str | list[str] = "features",
        label_col: str = "label",
        weight_col: str | None = None,
        validation_indicator_col: str | None = None,
        raw_prediction_col: str = "rawPrediction",
        probability_col: str = "probability",
        prediction_col: str = "prediction",
        pred_contrib_col: str | None = None,
        num_workers: int = 1,
        device: str = "cpu",
        force_repartition: bool = True,
        repartition_random_shuffle: bool = False,
        enable_sparse_data_optim: bool = False,
        launch_tracker_on_driver: bool | None = _HOST_DEFAULTS.get(
            "launch_tracker_on_driver"
        ),
        coll_cfg: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        # The decorator keeps those that were given: the others are defaults.
        self.setParams(**self._input_kwargs)

    def _fit(self, dataset: DataFrame) -> SparkFocalXGBClassifierModel:
        check_params(self)
        rows = SparkRows(self, dataset)
        trained = SparkTraining(self, rows, dataset.sparkSession).run()
        model = SparkFocalXGBClassifierModel(trained_classifier(self, trained))
        model._resetUid(self.uid)
        return self._copyValues(model)

    def write(self) -> DefaultParamsWriter:
        """Return what saves the estimator.

        Returns
        -------
        DefaultParamsWriter
            Its ``save`` takes a path.
        """
        self._check_can_be_saved()
        return super().write()
