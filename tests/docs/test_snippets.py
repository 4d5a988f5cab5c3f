"""Every snippet of the documentation runs as pasted, page by page."""

import doctest
import socket

import matplotlib as mpl
import pytest
from threadpoolctl import threadpool_limits

from tests.docs.snippets import DOCS, pages, snippets

# They start a cluster, and name clusters that a reader has and CI hasn't.
CLUSTERS = {"clusters.rst", "spark.rst"}
PAGES = [page for page in pages() if snippets(page) and page.name not in CLUSTERS]
# What a page shows of others' packages, they may warn of themselves.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*:PendingDeprecationWarning"),
]


@pytest.fixture
def one_thread(monkeypatch):
    """Keep engines that were given no ``n_jobs`` from waiting for busy cores."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    with threadpool_limits(1):
        yield


@pytest.fixture
def offline(monkeypatch, tmp_path):
    def refuse(self, address, *args):
        raise AssertionError(f"a snippet connects to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    mpl.use("agg")


def _name(page):
    return str(page.relative_to(DOCS))


def _run(snippet, page, namespace):
    # Blank lines before it, so that a traceback has the line numbers of the page.
    code = "\n" * (snippet.line - 1) + snippet.code
    exec(compile(code, str(page), "exec"), namespace)


def _run_session(snippet, page, namespace):
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    test = parser.get_doctest(
        snippet.code, namespace, _name(page), str(page), snippet.line - 1
    )
    failures = []
    runner.run(test, out=failures.append, clear_globs=False)
    namespace.update(test.globs)
    assert not failures, "".join(failures)


def test_the_pages_are_found():
    assert {"index.rst", "guide.rst", "lightgbm.rst", "xgboost.rst"} <= {
        page.name for page in PAGES
    }


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_runs_as_pasted(page, offline, one_thread):
    namespace = {"__name__": "__main__"}
    for snippet in snippets(page):
        if snippet.can_run:
            run = _run_session if snippet.language == "pycon" else _run
            run(snippet, page, namespace)


def test_a_broken_snippet_fails(tmp_path):
    page = tmp_path / "page.rst"
    page.write_text(".. code-block:: python\n\n   y = x\n\nText.\n")
    (snippet,) = snippets(page)
    assert (snippet.code, snippet.line) == ("y = x\n", 3)
    with pytest.raises(NameError):
        _run(snippet, page, {})


def test_a_snippet_whose_package_is_missing_does_not_run(tmp_path):
    page = tmp_path / "page.rst"
    page.write_text(".. needs: no_such_package\n\n.. code-block:: python\n\n   y = x\n")
    (snippet,) = snippets(page)
    assert snippet.needs == ("no_such_package",)
    assert not snippet.can_run
