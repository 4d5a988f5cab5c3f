"""What the pages quote of quality.csv is what it says."""

import numpy as np
import pandas as pd
import pytest

from tests.docs.snippets import DOCS

RESULTS = pd.read_csv(DOCS / "benchmarks" / "quality.csv")
PAGES = [DOCS.parent / "README.md", DOCS / "index.rst"]


def ratios(engine, settings, contestant):
    """Log loss over the host's of each binary data set."""
    block = RESULTS[(RESULTS.kind == "binary") & (RESULTS.engine == engine)]
    block = block[block.settings == settings]
    means = block.groupby(["data", "contestant"])["log loss"].mean().unstack()
    return means[contestant] / means["host"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
@pytest.mark.parametrize(
    ("settings", "contestant"),
    [("default", "γ=2"), ("tuned", "γ=2"), ("default", "weighted")],
)
def test_log_losses(page, settings, contestant):
    quoted = []
    for engine in ("LightGBM", "XGBoost"):
        ratio = ratios(engine, settings, contestant)
        quoted.append(f"{np.exp(np.log(ratio).mean()):.2f} ({ratio.max():.2f})")
    rows = page.read_text(encoding="utf-8").replace("\n     - ", " | ")
    assert " | ".join(quoted) in rows


def test_shares_of_the_rarest_class():
    """Predicted over observed, the engine's own and ours."""
    shares = RESULTS[RESULTS.kind == "binary"].groupby(
        ["engine", "settings", "contestant"]
    )["share"]
    found = {key: f"{value:.2f}" for key, value in shares.mean().items()}
    lightgbm, xgboost, tuned = (
        [found[engine, settings, name] for name in ("host", "γ=2")]
        for engine, settings in (
            ("LightGBM", "default"),
            ("XGBoost", "default"),
            ("LightGBM", "tuned"),
        )
    )
    text = " ".join((DOCS.parent / "README.md").read_text(encoding="utf-8").split())
    assert (
        f"LightGBM {lightgbm[0]} of the observed share, ours {lightgbm[1]}, "
        f"XGBoost {xgboost[0]}, ours {xgboost[1]}; tuned {tuned[0]} and {tuned[1]}"
    ) in text
