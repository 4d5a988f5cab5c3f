"""Data sets as Spark's, and the marks of all tests that need Spark."""

import numpy as np
import pytest
from sklearn.datasets import make_classification

pytest.importorskip("pyspark", reason="PySpark isn't installed")

from pyspark.ml.functions import array_to_vector
from pyspark.ml.linalg import Vectors
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DoubleType,
    StructField,
    StructType,
)

MARKS = [
    pytest.mark.distributed,
    # PySpark 4.3 says so at each function of pandas, whatever the function does.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully:FutureWarning"),
    # Py4J leaves the sockets of finished calls to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    # Spark's CrossValidator leaves it its pool of threads.
    pytest.mark.filterwarnings("ignore:unclosed running multi:ResourceWarning"),
]

WORDS = {"n_estimators": 20, "max_depth": 3, "learning_rate": 0.3, "verbose": False}


def make_data(n_classes, n_samples=1600, seed=0):
    """Return features with missing values, labels and weights, some of them 0."""
    X, y = make_classification(
        n_samples,
        6,
        n_informative=4,
        n_redundant=1,
        n_classes=n_classes,
        weights=[0.85] if n_classes == 2 else [0.6, 0.3],
        flip_y=0.05,
        random_state=seed,
    )
    rng = np.random.default_rng(seed)
    X[rng.uniform(size=X.shape) < 0.05] = np.nan
    weight = rng.integers(0, 4, n_samples) / 2
    # In float32, as XGBoost keeps it, numbers are the same to both.
    return X.astype(np.float32), y, weight


def frame_of(spark, X, y, weight=None, valid=None, form="array"):
    """Return a Spark data set of one partition for each of local[2]'s cores.

    The rows keep their order: the first half is in the first partition.
    """
    rows = zip(
        X.astype(float).tolist(),
        np.asarray(y, float).tolist(),
        (np.ones(len(y)) if weight is None else weight).tolist(),
        (np.zeros(len(y), bool) if valid is None else valid).tolist(),
        strict=True,
    )
    schema = StructType(
        [
            StructField("features", ArrayType(DoubleType())),
            StructField("label", DoubleType()),
            StructField("weight", DoubleType()),
            StructField("valid", BooleanType()),
        ]
    )
    frame = spark.createDataFrame(list(rows), schema)
    if form == "vector":
        return frame.withColumn("features", array_to_vector("features"))
    if form == "columns":
        columns = [F.col("features")[i].alias(f"x{i}") for i in range(X.shape[1])]
        # Spark's missing values, in place of NumPy's.
        columns = [F.nanvl(c, F.lit(None)) for c in columns]
        names = [f"x{i}" for i in range(X.shape[1])]
        columns = [c.alias(n) for c, n in zip(columns, names, strict=True)]
        return frame.select(*columns, "label", "weight", "valid")
    return frame


def placed(frame, in_second):
    """Return the rows in two partitions, those of a condition in the second."""
    keys = frame.sparkSession.range(16).repartition(2, "id").rdd.glom().collect()
    first, second = (F.lit(part[0].id).cast("long") for part in keys)
    key = F.when(in_second, second).otherwise(first)
    return frame.withColumn("key", key).repartition(2, "key").drop("key")


def partition_sizes(frame):
    return frame.rdd.glom().map(len).collect()


def columns_of(frame, *names):
    """Return columns as NumPy's; vectors with one row for each."""
    rows = frame.select(*names).collect()
    found = [np.array([_plain(row[i]) for row in rows]) for i in range(len(names))]
    return found[0] if len(names) == 1 else found


def _plain(value):
    return value.toArray() if hasattr(value, "toArray") else value


def sparse_frame(spark, X, y):
    """Return vectors that hold nothing where X has a zero."""
    rows = [
        (Vectors.sparse(len(x), {i: float(v) for i, v in enumerate(x) if v}), float(t))
        for x, t in zip(X, y, strict=True)
    ]
    return spark.createDataFrame(rows, ["features", "label"])
