"""What is asked of Spark, and of the parameters of XGBoost's own estimator."""

from typing import Any

from pyspark.sql import SparkSession
from xgboost.spark import SparkXGBClassifier

__all__ = ["host_defaults", "host_params", "task_cpus", "task_slots"]

_HOST = SparkXGBClassifier()


def host_params() -> list[Any]:
    """Return the parameters of XGBoost's estimator."""
    return _HOST.params


def host_defaults() -> dict[str, Any]:
    """Return the values of those that have one."""
    return {p.name: _HOST.getOrDefault(p) for p in _HOST.params if _HOST.isDefined(p)}


def task_cpus(spark: SparkSession) -> int:
    """Return how many cores a task has, of which XGBoost uses all."""
    return int(spark.sparkContext.getConf().get("spark.task.cpus", "1"))


def task_slots(spark: SparkSession) -> int:
    """Return how many tasks Spark's executors, as they are now, run at a time.

    PySpark has no public name for it.
    """
    context = spark.sparkContext._jsc.sc()
    profile = context.resourceProfileManager().defaultResourceProfile()
    return int(context.maxNumConcurrentTasks(profile))
