"""Settings of the site that `python -m labutils.upkeep site` builds from README, docs and notebooks."""

import os

project = "Sequence Learning Lab"
author = "The contributors of the Sequence Learning Lab"
html_title = project
language = "en"
extensions = ["myst_nb", "sphinx-mathjax-offline"]  # which brings MathJax along: readers need no network
exclude_patterns = ["docs/*.ipynb", ".github/pull_request_template.md"]
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
# Such as https://github.com/OWNER/NAME. Buttons lead there; without it there are none.
REPOSITORY = os.environ.get("SITE_REPOSITORY", "")
html_context = {"default_mode": "auto"}
html_theme_options = {
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "home_page_in_toc": True,
    "navbar_persistent": [],
}
if REPOSITORY:
    html_theme_options |= {
        "repository_url": REPOSITORY,
        "repository_branch": "main",
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"},
    }
