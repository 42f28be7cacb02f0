"""The maintainer's command: ``python -m labutils.upkeep``, or ``… 03 04 --force`` for these, stale or not.

``python -m labutils.upkeep site`` builds the web pages.
"""

import argparse
import sys
from pathlib import Path

import nbformat

from labutils.upkeep import site
from labutils.upkeep.stored_notebooks import (
    ROOT,
    as_text,
    failed_claims,
    is_stale,
    normalised,
    notebook_paths,
    run,
    was_run_in_order,
    write,
)


def main(argv: list[str] | None = None) -> int:
    """Run the stale (or, with --force, all the chosen) notebooks again; return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["site"]:  # no subcommand of argparse: without one, numbers of notebooks follow
        return _site(argv[1:])
    parser = argparse.ArgumentParser(prog="python -m labutils.upkeep", description=main.__doc__)
    parser.add_argument("numbers", nargs="*", type=int, help="which notebooks, such as 04; none means all")
    parser.add_argument("--force", action="store_true", help="run them even where they are not stale")
    parser.add_argument("--folder", type=Path, default=ROOT / "notebooks")
    args = parser.parse_args(argv)
    paths = {int(path.name[:2]): path for path in notebook_paths(args.folder)}
    missing = sorted(set(args.numbers) - set(paths))
    if missing or not paths:
        wanted = ", ".join(f"{number:02d}" for number in missing) or "with a number"
        print(f"there is no notebook {wanted} in {args.folder}", file=sys.stderr)
        return 2
    return max([_store_anew(paths[number], args.force) for number in dict.fromkeys(args.numbers or paths)])


def _site(argv: list[str]) -> int:
    """Build the site: README, docs and the notebooks as they are stored, without running anything."""
    parser = argparse.ArgumentParser(prog="python -m labutils.upkeep site", description=_site.__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="folder for the pages")
    parser.add_argument("--repository", default="", help="such as https://github.com/OWNER/NAME, for buttons")
    args = parser.parse_args(argv)
    try:
        status = site.build(args.out, args.repository)
    except (ImportError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{args.out / 'index.html'}: built" if status == 0 else "not built, see above", flush=True)
    return status


def _store_anew(path: Path, force: bool) -> int:
    notebook = nbformat.read(path, as_version=4)
    if not force and not is_stale(notebook) and was_run_in_order(notebook):
        kept = normalised(notebook)
        if path.read_text("utf-8") == as_text(kept):
            print(f"{path.name}: up to date")
        else:  # its text was edited, or JupyterLab has saved it
            write(path, kept)
            print(f"{path.name}: outputs are up to date, stored")
        return 0
    print(f"{path.name}: running …", flush=True)
    notebook = run(path)
    failed = failed_claims(notebook)
    if failed:
        print("\n".join([f"{path.name}: not stored, since it claims:", *failed]), file=sys.stderr)
        return 1
    write(path, notebook)
    print(f"{path.name}: stored")
    return 0


if __name__ == "__main__":
    sys.exit(main())
