"""A session of ``requests`` that names itself to proxies. Imported only where ``requests`` is there and wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["session_with_credentials"]

_EXCEPTIONS = {"no", "no_proxy"}
"""Keys whose value lists hosts, not a proxy's address."""


def session_with_credentials(user: str, password: str) -> requests.Session:
    """A session whose requests give ``user`` and ``password`` to every proxy whose address has no user of its own.

    Which proxy a request takes is left to ``requests``, ``NO_PROXY`` included.
    """
    session = requests.Session()
    if user:
        adapter = _CredentialedAdapter(f"{quote(user, safe='')}:{quote(password, safe='')}")
        session.mount("http://", adapter)
        session.mount("https://", adapter)
    return session


class _CredentialedAdapter(HTTPAdapter):
    """Puts credentials into the proxy addresses of each request, those of redirects included."""

    def __init__(self, credentials: str) -> None:
        super().__init__()
        self._credentials = credentials

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send one request."""
        known = {scheme: self._with_credentials(scheme, url) for scheme, url in (proxies or {}).items()}
        return super().send(request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=known)

    def _with_credentials(self, scheme: str, url: str) -> str:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if scheme in _EXCEPTIONS or "@" in parts.netloc:
            return url
        return urlunsplit(parts._replace(netloc=f"{self._credentials}@{parts.netloc}"))
