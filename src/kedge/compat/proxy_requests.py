"""HTTP through the proxy that the engine's user has set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kedge.sdk.constants import AYX_PROXY_CRED_REQ_KEY, AYX_PROXY_PASSWORD_KEY, AYX_PROXY_USERNAME_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    import requests

    class _Environment(Protocol):
        @property
        def proxy_configuration(self) -> dict[str, str]: ...

    class _Provider(Protocol):
        @property
        def environment(self) -> _Environment: ...


__all__ = ["create_proxied_session"]

_TRUE = {"1", "true", "yes"}


def create_proxied_session(tool_provider: _Provider, use_engine_credentials: bool = True) -> requests.Session:
    """Return a ``requests.Session`` that goes through this machine's proxies, where it has any.

    The addresses are those of the environment (``HTTPS_PROXY`` and the like) or of the operating system; user name and
    password are added from ``provider.environment.proxy_configuration`` when the engine says that its proxy requires
    them, unless ``use_engine_credentials`` is false or an address has its own. Raises ImportError where ``requests`` is
    not installed.
    """
    try:
        from kedge.compat.proxied_session import session_with_credentials
    except ModuleNotFoundError as error:
        raise ImportError(
            "create_proxied_session needs the package 'requests', which this Python has not: pip install requests"
        ) from error
    configuration = tool_provider.environment.proxy_configuration if use_engine_credentials else {}
    return session_with_credentials(*_credentials(configuration))


def _credentials(configuration: Mapping[str, str]) -> tuple[str, str]:
    """User and password; both empty where the engine's proxy requires none."""
    if configuration.get(AYX_PROXY_CRED_REQ_KEY, "").strip().lower() not in _TRUE:
        return "", ""
    return configuration.get(AYX_PROXY_USERNAME_KEY, ""), configuration.get(AYX_PROXY_PASSWORD_KEY, "")
