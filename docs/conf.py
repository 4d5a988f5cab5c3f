"""Configuration of the Sphinx documentation."""

from cycler import cycler

import skfocal

project = "skfocal"
author = "The skfocal developers"
version = release = skfocal.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]
# The role of the docstrings: :arxiv:`1708.02002`.
extlinks = {"arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s")}

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
html_theme_options = {"show_prev_next": False, "show_toc_level": 2}
html_show_sourcelink = False
# A left sidebar would list what the header and the breadcrumbs link to, and make the
# code of the examples scroll.
html_sidebars = {"**": []}


def skip_metadata_routing(app, what, name, obj, skip, options):
    """Leave out methods of scikit-learn whose docstrings link to its own pages."""
    is_request = name.startswith("set_") and name.endswith("_request")
    return True if is_request or name == "get_metadata_routing" else None


def setup(app):
    app.connect("autodoc-skip-member", skip_metadata_routing)
