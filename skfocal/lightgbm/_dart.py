"""LightGBM's dart, which drops trees of the model to look at its training data."""

from typing import Any

from skfocal.lightgbm._words import BOOSTING_WORDS

__all__ = ["is_dart", "settle_first_draw"]


def is_dart(params: dict[str, Any]) -> bool:
    """Whether later rounds change earlier trees, and evaluations of the training data.

    Parameters
    ----------
    params : dict
        Those of LightGBM.
    """
    return any(str(params.get(word)).lower() == "dart" for word in BOOSTING_WORDS)


def settle_first_draw(env: Any) -> None:
    """Let dart drop the same trees at each training: a callback of LightGBM.

    With an objective of one's own, LightGBM decides by memory that it hasn't set
    whether the first round takes a random number. An evaluation settles that. No tree
    is there yet to be dropped, and the random numbers begin anew after it, as LightGBM
    sets its parameters once more to say that there is no objective of its own.
    """
    if env.iteration == env.begin_iteration:
        env.model.eval_train(lambda preds, data: ("settled", 0.0, False))


settle_first_draw.before_iteration = True  # type: ignore[attr-defined]
