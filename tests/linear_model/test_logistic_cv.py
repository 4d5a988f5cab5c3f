"""FocalLogisticRegressionCV: its paths, scores, choice and words."""

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score, get_scorer, log_loss, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold

from skfocal import FocalLogisticRegression, FocalLogisticRegressionCV

RNG = np.random.default_rng(0)
GRID = {"focal_gammas": [0.0, 2.0], "Cs": [0.01, 1.0, 100.0]}


def make_data(n_classes=2, n=240):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 4))
    score = X @ rng.normal(size=(4, n_classes)) + 2.0 * rng.gumbel(size=(n, n_classes))
    return X, np.array(["a", "b", "c"])[score.argmax(axis=1)]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", ["dense", "csr", "csc"])
def test_scores_are_those_of_a_grid_search(n_classes, kind):
    X, y = make_data(n_classes)
    if kind != "dense":
        X = sparse.csr_matrix(X) if kind == "csr" else sparse.csc_matrix(X)
    words = {"tol": 1e-8}
    model = FocalLogisticRegressionCV(**GRID, **words, cv=3).fit(X, y)
    grid = {"C": GRID["Cs"], "focal_gamma": GRID["focal_gammas"]}
    search = GridSearchCV(
        FocalLogisticRegression(**words), grid, scoring="neg_log_loss", cv=3
    )
    search.fit(X, y)
    expected = [search.cv_results_[f"split{k}_test_score"] for k in range(3)]
    expected = np.reshape(expected, (3, 3, 2)).swapaxes(1, 2)[:, :, None, :]
    assert_allclose(model.scores_, expected, rtol=1e-6)
    assert search.best_params_["C"] == model.C_
    assert model.focal_gamma_ == search.best_params_["focal_gamma"]
    assert model.best_score_ == pytest.approx(search.best_score_)
    best = search.best_estimator_
    assert_allclose(model.coef_, best.coef_, rtol=1e-5, atol=1e-7)
    assert_allclose(model.predict_proba(X), best.predict_proba(X), rtol=1e-5)
    assert model.score(X, y) == pytest.approx(-log_loss(y, model.predict_proba(X)))


def test_results_have_the_form_of_a_grid_search():
    X, y = make_data()
    model = FocalLogisticRegressionCV(**GRID, l1_ratios=[0.0, 0.5], cv=4).fit(X, y)
    assert model.scores_.shape == model.n_iter_.shape == (4, 2, 2, 3)
    assert model.coefs_paths_.shape == (4, 2, 2, 3, 1, 5)
    table = model.cv_results_
    assert all(len(column) == 12 for column in table.values())
    best = int(np.argmin(table["rank_test_score"]))
    chosen = {
        "focal_gamma": model.focal_gamma_,
        "l1_ratio": model.l1_ratio_,
        "C": model.C_,
    }
    assert table["params"][best] == chosen
    assert {name: table[f"param_{name}"][best] for name in chosen} == chosen
    assert table["mean_test_score"][best] == model.best_score_
    assert_array_equal(table["split3_test_score"], model.scores_[3].ravel())
    assert sorted(table["rank_test_score"])[0] == 1


def test_fits_along_the_path_are_warm_started():
    X, y = make_data()
    words = {"tol": 1e-6, "solver": "trust-exact", "focal_gammas": [2.0], "cv": 3}
    path = FocalLogisticRegressionCV(Cs=[10.0, 10.5], **words).fit(X, y)
    assert (path.n_iter_[..., 1] < path.n_iter_[..., 0]).all()


def test_without_refit_the_folds_are_averaged():
    X, y = make_data()
    words = {"l1_ratios": [0.0, 0.5], "cv": 3, "tol": 1e-6, "max_iter": 1000}
    model = FocalLogisticRegressionCV(**GRID, **words, refit=False).fit(X, y)
    gamma = GRID["focal_gammas"].index(model.focal_gamma_)
    best = int(np.argmin(model.cv_results_["rank_test_score"]))
    assert model.focal_gamma_ == model.cv_results_["params"][best]["focal_gamma"]
    rows, ratios, Cs = [], [], []
    for scores, paths in zip(model.scores_, model.coefs_paths_, strict=True):
        ratio, C = np.unravel_index(scores[gamma].argmax(), scores[gamma].shape)
        rows.append(paths[gamma, ratio, C])
        ratios.append(model.l1_ratios_[ratio])
        Cs.append(model.Cs_[C])
    mean = np.mean(rows, axis=0)
    assert_allclose(np.column_stack([model.coef_, model.intercept_]), mean)
    assert_allclose([model.C_, model.l1_ratio_], [np.mean(Cs), np.mean(ratios)])


def test_weights_reach_fits_and_scores():
    X, y = make_data()
    rows = np.repeat(np.arange(len(y)), 2)
    weight = np.full(len(y), 2.0)
    weight[:40] = 0.0
    repeated = FocalLogisticRegressionCV(**GRID, tol=1e-9)
    plain = FocalLogisticRegressionCV(**GRID, tol=1e-9)
    folds = list(StratifiedKFold(3).split(X, y))
    index = np.arange(len(y))
    kept = rows >= 40
    doubled = [
        tuple(np.flatnonzero(np.isin(rows[kept], index[part])) for part in fold)
        for fold in folds
    ]
    plain.set_params(cv=folds).fit(X, y, weight)
    repeated.set_params(cv=doubled).fit(X[rows[kept]], y[rows[kept]])
    assert_allclose(plain.scores_, repeated.scores_, rtol=1e-7)
    assert_allclose(plain.coef_, repeated.coef_, rtol=1e-6)


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "custom"])
def test_scoring(scoring):
    X, y = make_data()
    scorer = get_scorer("f1_macro") if scoring == "custom" else scoring
    model = FocalLogisticRegressionCV(**GRID, cv=3, scoring=scorer).fit(X, y)
    train, test = next(StratifiedKFold(3).split(X, y))
    words = {"C": GRID["Cs"][2], "focal_gamma": 2.0}
    single = FocalLogisticRegression(**words).fit(X[train], y[train])
    expected = get_scorer(scorer)(single, X[test], y[test])
    assert model.scores_[0, 1, 0, 2] == pytest.approx(expected, abs=0.02)


def test_a_fold_may_lack_a_class():
    X, y = make_data(3)
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    model = FocalLogisticRegressionCV([1.0], Cs=2, cv=KFold(6), max_iter=500)
    model.fit(X, y)
    assert np.isfinite(model.scores_).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_jobs_and_progress(n_jobs, capfd):
    X, y = make_data()
    # Workers that another test left behind print to where that test's output went.
    get_reusable_executor().shutdown()
    model = FocalLogisticRegressionCV(**GRID, cv=3, n_jobs=n_jobs, verbose=1).fit(X, y)
    lines = [line for line in capfd.readouterr().out.splitlines() if "fold" in line]
    assert len(lines) == 6
    assert "best of 3 C=" in lines[0]
    expected = FocalLogisticRegressionCV(**GRID, cv=3).fit(X, y)
    assert_allclose(model.scores_, expected.scores_, rtol=1e-12)


def test_a_seed_gives_one_model_whatever_the_number_of_jobs():
    X, y = make_data(n=25_000)
    words = {"Cs": [0.1, 1.0], "cv": 3, "random_state": 0, "tol": 1e-2}
    models = [
        FocalLogisticRegressionCV([0.0, 1.0], n_jobs=n, **words).fit(X, y)
        for n in (1, 2)
    ]
    # Other numbers of threads add up in another order; other seeds end elsewhere.
    paths = [model.coefs_paths_ for model in models]
    assert_allclose(*paths, rtol=1e-9)


def test_metadata_routing():
    X, y = make_data()
    groups = np.arange(len(y)) // 10
    weight = RNG.uniform(0.5, 2.0, len(y))
    with pytest.raises(ValueError, match=r"\['groups'\] can only be passed to fit"):
        FocalLogisticRegressionCV(**GRID).fit(X, y, groups=groups)
    with config_context(enable_metadata_routing=True):
        scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=True)
        cv = GroupKFold(3)
        model = FocalLogisticRegressionCV(**GRID, cv=cv, scoring=scorer)
        model.set_fit_request(sample_weight=True)
        model.fit(X, y, sample_weight=weight, groups=groups)
        score = model.score(X, y, sample_weight=weight)
    folds = list(GroupKFold(3).split(X, y, groups))
    expected = FocalLogisticRegressionCV(**GRID, cv=folds).fit(X, y, weight)
    assert_allclose(model.scores_, expected.scores_)
    assert score == pytest.approx(expected.score(X, y, sample_weight=weight))


@pytest.mark.parametrize("of_scorer", [None, False, True])
def test_unrequested_weights_are_refused(of_scorer):
    X, y = make_data()
    weight = np.ones(len(y))
    with config_context(enable_metadata_routing=True):
        scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=of_scorer)
        model = FocalLogisticRegressionCV([1.0], Cs=2, cv=3, scoring=scorer)
        model.set_fit_request(sample_weight=True)
        if of_scorer is None:
            with pytest.raises(ValueError, match="not explicitly set as requested"):
                model.fit(X, y, sample_weight=weight)
            assert not hasattr(model, "coef_")
        else:
            # The fits take them, whatever the scorer says.
            model.fit(X, y, sample_weight=weight)
        model.fit(X, y)
        if of_scorer:
            assert np.isfinite(model.score(X, y, sample_weight=weight))
            return
        with pytest.raises((TypeError, ValueError), match="sample_weight"):
            model.score(X, y, sample_weight=weight)


SCORINGS = ["neg_brier_score", "neg_log_loss", "f1", "f1_macro", "average_precision"]


@pytest.mark.filterwarnings("ignore:No positive class found in y_true")
@pytest.mark.parametrize("scoring", SCORINGS)
def test_scorers_know_the_labels_that_a_fold_lacks(scoring):
    X, y = make_data()
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    assert set(y) == {"a", "b"}
    # Of the last fold, all rows are "b".
    cv = KFold(4)
    model = FocalLogisticRegressionCV([1.0], Cs=2, cv=cv, scoring=scoring).fit(X, y)
    assert np.isfinite(model.scores_).all()
    train, test = list(cv.split(X))[-1]
    single = FocalLogisticRegression(1.0, C=model.Cs_[0]).fit(X[train], y[train])
    codes, proba = (y[test] == "b").astype(int), single.predict_proba(X[test])
    expected = {
        "neg_brier_score": -np.mean((proba[:, 1] - codes) ** 2),
        "neg_log_loss": np.log(proba[:, 1]).mean(),
        "f1": f1_score(codes, proba[:, 1] > 0.5),
        "f1_macro": f1_score(codes, proba[:, 1] > 0.5, labels=[0, 1], average="macro"),
        "average_precision": 1.0,
    }
    assert model.scores_[-1, 0, 0, 0] == pytest.approx(expected[scoring], rel=1e-3)
    assert np.isfinite(model.score(X, y))


def test_a_scorer_keeps_the_labels_of_its_own():
    X, y = make_data()
    words = {"average": "binary", "pos_label": "a"}
    of_a = make_scorer(f1_score, **words)
    model = FocalLogisticRegressionCV([1.0], Cs=2, cv=3, scoring=of_a).fit(X, y)
    assert model.score(X, y) == f1_score(y, model.predict(X), **words)
    custom = FocalLogisticRegressionCV([1.0], Cs=2, cv=3, scoring=lambda m, X, y: 0.5)
    assert custom.fit(X, y).score(X, y) == 0.5


def test_says_how_many_fits_did_not_converge():
    X, y = make_data()
    model = FocalLogisticRegressionCV([1.0], Cs=[1.0], max_iter=0, cv=3, refit=False)
    with pytest.warns(ConvergenceWarning, match="3 of 3 fits did not converge"):
        model.fit(X, y)


def test_gamma_per_class_and_alpha():
    X, y = make_data(3)
    gammas = [0.0, [0.0, 1.0, 2.0]]
    model = FocalLogisticRegressionCV(gammas, {"b": 3.0}, Cs=2, cv=3).fit(X, y)
    assert model.focal_gamma_ in (0.0, (0.0, 1.0, 2.0))
    assert model.loss_.alpha == (1.0, 3.0, 1.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"focal_gammas": 2.0}, "focal_gammas must be a sequence of values to try"),
        ({"focal_gammas": []}, "focal_gammas must be a sequence of values to try"),
        ({"focal_gammas": [-1.0]}, "focal_gammas must be >= 0 and finite, got -1.0"),
        ({"Cs": 0}, "Cs must be >= 1 if it is an int, got 0"),
        ({"Cs": [1.0, -1.0]}, "Cs must be > 0, got -1.0"),
        ({"l1_ratios": [2.0]}, r"l1_ratios must be in \[0, 1\], got 2.0"),
        ({"solver": "newton"}, "solver must be one of"),
        ({"refit": 1}, "refit must be True or False, got 1"),
        ({"scoring": "no such"}, "'no such' is not a valid scoring"),
    ],
)
def test_a_bad_word_is_named_and_leaves_the_model_as_it_was(words, message):
    X, y = make_data()
    model = FocalLogisticRegressionCV([1.0], Cs=2, cv=3).fit(X, y)
    model.set_params(**words)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(X[:, :2], y)
    assert vars(model) == before
