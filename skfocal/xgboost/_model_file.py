"""XGBoost's model files, checked before XGBoost reads them.

It ends the process or goes on for ever over a file that was cut off or damaged, and
predicts otherwise, without a word, where a digit has changed. Each model of a
classifier here holds checksums of both of its files and of its own parts. The former
tell at once that a file is what was written. The latter are for files that XGBoost
wrote again: other versions, those of some rounds, and with further attributes.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import xgboost as xgb

from skfocal._boosting.model_state import STATE_NAME
from skfocal.xgboost._categories import tree_weights, trees_of
from skfocal.xgboost._tree_checks import check_model
from skfocal.xgboost._ubjson import parse_ubjson

__all__ = ["read_model", "seal_file", "write_checksums"]

_CHECKSUMS = f"{STATE_NAME}_checksums"
_BLANK = b"00000000 00000000"
# The first two sums, between quotation marks or behind a length.
_SUMS_OF_FILES = re.compile(
    _CHECKSUMS.encode() + rb'(?:":"|SL.{8})([0-9a-f]{8}) ([0-9a-f]{8})', re.DOTALL
)
_WHOLE_NUMBERS = (
    *("categories", "categories_nodes", "categories_segments", "categories_sizes"),
    *("default_left", "left_children", "parents", "right_children"),
    *("split_indices", "split_type"),
)
_NUMBERS = (
    *("base_weights", "leaf_weights", "loss_changes", "split_conditions"),
    "sum_hessian",
)


def write_checksums(booster: xgb.Booster) -> None:
    """Note the checksums of a model's files and parts in its attributes."""
    booster.set_attr(**{_CHECKSUMS: None})
    parts = _sums_of_parts(parse_ubjson(bytes(booster.save_raw("ubj"))))
    _note(booster, [*_BLANK.decode().split(), *parts])
    # Of the files with zeros in the places of these sums.
    of_files = [_sum(booster.save_raw(kind)) for kind in ("json", "ubj")]
    _note(booster, [*of_files, *parts])


def seal_file(path: str | os.PathLike[str]) -> None:
    """Note the checksum of a file that holds more than its model does."""
    file = Path(path).expanduser()
    content = file.read_bytes()
    found = _SUMS_OF_FILES.search(content)
    if found is not None:
        sums = b" ".join([_sum_without(found, content)] * 2)
        file.write_bytes(content[: found.start(1)] + sums + content[found.end(2) :])


def _note(booster: xgb.Booster, sums: list[str]) -> None:
    booster.set_attr(**{_CHECKSUMS: " ".join(sums)})


def _sum(content: bytes | bytearray) -> str:
    return f"{crc32(content):08x}"


def _text_of(categories: Any) -> bytes:
    return json.dumps(categories, sort_keys=True, default=np.ndarray.tolist).encode()


_NO_CATEGORIES = _sum(_text_of({"enc": [], "feature_segments": [], "sorted_idx": []}))


def _sums_of_parts(model: dict[str, Any]) -> list[str]:
    return [*_sums_of_frame(model["learner"]), *_sums_of_trees(model)]


def _sums_of_frame(learner: dict[str, Any]) -> list[str]:
    """Of the header and of our state: not of what a part of the rounds has not."""
    param = learner["learner_model_param"]
    base_score = np.array(json.loads(param["base_score"]), dtype=">f4")
    header = [
        [learner["feature_names"], learner["feature_types"]],
        [int(param[name]) for name in ("num_class", "num_feature", "num_target")],
        [learner["objective"]["name"], base_score.tolist()],
    ]
    state = learner["attributes"].get(STATE_NAME, "")
    return [_sum(json.dumps(header).encode()), _sum(state.encode())]


def _sums_of_trees(model: dict[str, Any]) -> Iterator[str]:
    """Of each tree, and before them of the categories; or of the linear model."""
    ensemble = model["learner"]["gradient_booster"]
    if ensemble["name"] == "gblinear":
        rounds, weights = (
            ensemble["model"][name] for name in ("boosted_rounds", "weights")
        )
        yield _NO_CATEGORIES
        yield _sum(_bytes_of([rounds], ">i8") + _bytes_of(weights, ">f4"))
        return
    trees, weights = trees_of(model), tree_weights(model)
    yield _sum(_text_of(trees["cats"]))
    for tree, *rest in zip(trees["trees"], trees["tree_info"], weights, strict=True):
        parts = [_bytes_of(tree.get(name, ()), ">i8") for name in _WHOLE_NUMBERS]
        parts += [_bytes_of(tree.get(name, ()), ">f4") for name in _NUMBERS]
        yield _sum(b" ".join([*parts, _bytes_of(rest, ">f4")]))


def _bytes_of(values: Any, kind: str) -> bytes:
    return np.asarray(values, dtype=kind).tobytes()


def read_model(file: str | bytearray, name: str) -> xgb.Booster:
    """Return the model of a whole and undamaged file.

    Parameters
    ----------
    file : str or bytearray
        Its path, or its content.
    name : str
        The argument that it was given as.
    """
    if isinstance(file, str):
        content, got = Path(file).expanduser().read_bytes(), repr(file)
    else:
        content, got = bytes(file), "a bytearray"
    try:
        if not _is_as_written(content):
            _check_content(content)
        booster = xgb.Booster(model_file=bytearray(content))
        # Of dart alone.
        if b"weight_drop" in content:
            _check_tree_weights(content, booster)
        return booster
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        # XGBoost adds where in its code it was.
        fault = str(error).partition("\nStack trace")[0].strip()
        if isinstance(error, KeyError):
            fault = f"it lacks {fault}"
        raise ValueError(
            f"{name} must be a whole and undamaged model file of XGBoost, got {got}: "
            f"{fault}"
        ) from None


def _is_as_written(content: bytes) -> bool:
    """Whether a file is that of a classifier, byte by byte."""
    found = _SUMS_OF_FILES.search(content)
    return found is not None and _sum_without(found, content) in found.groups()


def _sum_without(sums: re.Match[bytes], content: bytes) -> bytes:
    """Return the sum of a file with zeros in the places of its two sums."""
    view = memoryview(content)
    before = crc32(_BLANK, crc32(view[: sums.start(1)]))
    return f"{crc32(view[sums.end(2) :], before):08x}".encode()


def _parsed(content: bytes) -> Any:
    is_json = content[:1] == b"{" and content[1:2] in b'" \n\r\t'
    return json.loads(content) if is_json else parse_ubjson(content)


def _check_tree_weights(content: bytes, booster: xgb.Booster) -> None:
    """Raise if XGBoost dropped the weights, as before 3.4 it does with later files."""
    written = tree_weights(_parsed(content))
    read = tree_weights(json.loads(booster.save_raw("json")))
    if not np.array_equal(np.float32(written), np.float32(read)):
        raise ValueError(
            f"XGBoost {xgb.__version__} doesn't read the weights of its trees, which a "
            "later version has written"
        )


def _check_content(content: bytes) -> None:
    model = _parsed(content)
    check_model(model)
    note = model["learner"]["attributes"].get(_CHECKSUMS)
    if note is not None:
        _check_sums(model, note.split()[2:])


def _check_sums(model: dict[str, Any], sums: list[str]) -> None:
    """Raise unless the trees are of those that were written, frame included."""
    parts = ("header", "state", "categories")
    found = _sums_of_parts(model)
    for part, written, now in zip(parts, sums, found, strict=False):
        # XGBoost before 3.4 forgets the categories of a model of some of the rounds.
        if now != written and now != _NO_CATEGORIES:
            raise ValueError(
                f"its {part} isn't the one that was written; of a model that was "
                "changed on purpose, give the Booster"
            )
    left = iter(sums[3:])
    if not all(now in left for now in found[3:]):
        raise ValueError(
            "its trees aren't those that were written; of a model that was changed on "
            "purpose, give the Booster"
        )
