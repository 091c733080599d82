"""A tool's requests, answered by the engine's services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kedge.exceptions import DcmEError
from kedge.host.engine_services import failure_fields
from kedge.sdk.outlet import DcmAnswer, DecryptRequest, PasswordAnswer, TranslatedMessage, TranslateRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from kedge.host.engine_services import EngineServices
    from kedge.sdk.outlet import Answer, DcmRequest, Request

__all__ = ["answer_request"]


def answer_request(request: Request, services: EngineServices) -> Answer:
    """The services' answer; a failure of the connection manager is an answer too."""
    if isinstance(request, TranslateRequest):
        return TranslatedMessage(services.translate(request.text, request.args))
    if isinstance(request, DecryptRequest):
        return PasswordAnswer(services.decrypt_password(request.text))
    return _dcm_answer(request, services)


def _dcm_answer(request: DcmRequest, services: EngineServices) -> DcmAnswer:
    method: Callable[..., dict[str, Any]] = getattr(services, request.verb)
    try:
        return DcmAnswer(True, method(**request.arguments))
    except DcmEError as error:
        return DcmAnswer(False, failure_fields(error))
