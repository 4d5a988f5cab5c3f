"""Configuration of the Sphinx documentation."""

from pathlib import Path

from cycler import cycler

import skfocal

project = "skfocal"
author = "The skfocal developers"
version = release = skfocal.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_gallery.gen_gallery",
    # MathJax in the built pages: formulas without a network. It sets mathjax_path, so
    # it follows sphinx.ext.mathjax.
    "sphinx-mathjax-offline",
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]
# The role of the docstrings: :arxiv:`1708.02002`.
extlinks = {"arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s")}

# Lists of the names that these pages link to, for the build has no network: text files
# of Sphinx's inventory format 1, ``name type page``. A new link needs a line there.
INVENTORIES = Path(__file__).parent / "_inventories"
intersphinx_mapping = {
    name: (address, str(INVENTORIES / f"{name}.inv"))
    for name, address in {
        "lightgbm": "https://lightgbm.readthedocs.io/en/stable/",
        "pyspark": "https://spark.apache.org/docs/latest/api/python/",
        "python": "https://docs.python.org/3/",
        "sklearn": "https://scikit-learn.org/stable/",
        "xgboost": "https://xgboost.readthedocs.io/en/stable/",
    }.items()
}

nitpicky = True
nitpick_ignore_regex = [
    # Short names in docstrings that PySpark's classes pass on to ours.
    ("py:class", "Transformer|Params?|_FitMultipleIterator"),
]

autosummary_generate = True
autodoc_typehints = "none"
# Under the page's own class, its name before each method is noise.
toc_object_entries_show_parents = "hide"
# The class template lists the methods itself; numpydoc's own list would link to pages
# that don't exist.
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    # Every example runs, not only those whose names begin with "plot_".
    "filename_pattern": r".*",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("matplotlib",),
    "download_all_examples": False,
    "show_memory": False,
}

plot_formats = ["svg"]
plot_html_show_formats = False
plot_html_show_source_link = False
# Dark to light for the growing gammas of the mathematics page.
plot_rcparams = {
    "axes.prop_cycle": cycler(
        color=["#1b1b3a", "#3b528b", "#21918c", "#5ec962", "#e3a712"]
    ),
    "axes.grid": True,
    "grid.alpha": 0.3,
    "font.size": 9.0,
    "svg.hashsalt": project,
}

html_title = f"skfocal {version}"
html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "show_prev_next": False,
    "show_toc_level": 2,
    # All of them: nothing hides under "More".
    "header_links_before_dropdown": 10,
    # A button instead of a field, which would not fit beside the links.
    "navbar_persistent": ["search-button"],
}
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["skfocal.css"]
# The left sidebar lists the pages below the user guide. Elsewhere it would list
# what the header links to, and make the code of the examples scroll.
GUIDE = """
    guide tour thresholds validation tuning explaining serving lightgbm xgboost linear
    clusters spark gpu processes
"""
html_sidebars = {"**": []} | {page: ["sidebar-nav-bs"] for page in GUIDE.split()}


def skip_metadata_routing(app, what, name, obj, skip, options):
    """Leave out methods of scikit-learn whose docstrings link to its own pages."""
    is_request = name.startswith("set_") and name.endswith("_request")
    return True if is_request or name == "get_metadata_routing" else None


def setup(app):
    app.connect("autodoc-skip-member", skip_metadata_routing)
