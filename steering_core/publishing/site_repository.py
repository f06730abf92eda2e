"""The repository's address, for the buttons that lead there from every page."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config

PUBLIC_HOSTS = ("github.com", "gitlab.com", "bitbucket.org")


def add_repository(app: Sphinx, config: Config) -> None:
    """Offer the repository's buttons when the checkout's origin is a public address."""
    url = public_address(_origin(Path(app.srcdir)))
    if url is None:
        return
    config.html_theme_options |= {
        "repository_url": url,
        "repository_branch": "main",
        "use_repository_button": True,
        "use_issues_button": True,
    }
    if "://github.com/" in url:
        config.html_theme_options["launch_buttons"] = {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        }


def public_address(origin: str) -> str | None:
    """Return the page of a repository from what git calls its origin, None if it has no public one.

    A name or a password in the address is left out.
    """
    by_ssh = re.fullmatch(r"(?:[\w.-]+@)([\w.-]+):(?!/)(.+)", origin)
    if by_ssh:
        host, path = by_ssh.groups()
    else:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https", "ssh"}:
            return None
        host, path = parts.hostname or "", parts.path
    path = path.strip("/").removesuffix(".git")
    if host not in PUBLIC_HOSTS or path.count("/") != 1:
        return None
    return f"https://{host}/{path}"


def _origin(root: Path) -> str:
    command = ["git", "-C", str(root), "remote", "get-url", "origin"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()
