"""The connection manager's calls, and what tools get for them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from kedge.exceptions import DcmEError, DcmEException, EngineGone
from kedge.sdk.dcm import AMPDCMV2
from kedge.sdk.outlet import DcmAnswer, DcmRequest
from tests.sdk.recording_outlet import RecordingOutlet, failed, succeeded

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = {"connection_id": "c1", "credential_role": "db", "secret_type": "password"}
NAMED = ("c1", "db", "password")


class Manager:
    """A connection manager that answers each verb as told; an outlet's answers."""

    def __init__(self, **answers: DcmAnswer) -> None:
        self.outlet = RecordingOutlet(lambda request: answers.get(request.verb, succeeded()))
        self.dcm = AMPDCMV2(self.outlet)
        self.results: list[dict[str, Any]] = []

    @property
    def verbs(self) -> list[str]:
        return [request.verb for request in self.outlet.requests if isinstance(request, DcmRequest)]


def failure(result: dict[str, Any]) -> tuple[str, str, str, str]:
    exception = result["dcme_exception"]
    assert isinstance(exception, DcmEException)
    assert isinstance(exception.dcm_error, DcmEError)
    error = exception.dcm_error
    return str(exception), error.message, error.error_code, error.detail


class TestCalls:
    """Each is one request, with the fields of its wire message."""

    def test_get_connection(self) -> None:
        manager = Manager(get_connection=succeeded(connectionId="c1", host="db.example"))
        manager.dcm.get_connection("c1", manager.results.append)
        assert manager.outlet.requests == [DcmRequest("get_connection", {"connection_id": "c1"})]
        assert manager.results == [{"connectionId": "c1", "host": "db.example"}]

    def test_get_write_lock(self) -> None:
        manager = Manager(lock_secret=succeeded(secretLockId="7"))
        manager.dcm.get_write_lock(*NAMED, 60, manager.results.append)
        assert manager.outlet.requests == [DcmRequest("lock_secret", {**SECRET, "expires_in": "60"})]
        assert manager.results == [{"secretLockId": "7"}]

    @pytest.mark.parametrize(
        ("moment", "text"),
        [
            (None, ""),
            (60, "60"),
            (0, "0"),
            (1.5, "1.5"),
            ("PT1M", "PT1M"),
            (datetime(2030, 1, 2, 3, 4, 5), "2030-01-02T03:04:05"),
            (datetime(2030, 1, 2, tzinfo=timezone.utc), "2030-01-02T00:00:00+00:00"),
        ],
    )
    def test_moments_travel_as_text(self, moment: datetime | float | str | None, text: str) -> None:
        manager = Manager()
        manager.dcm.get_write_lock(*NAMED, moment, manager.results.append)
        manager.dcm.update_connection_secret(*NAMED, "value", moment, None, "7")
        lock, update = (dict(r.arguments) for r in manager.outlet.requests if isinstance(r, DcmRequest))
        assert (lock["expires_in"], update["expires_on"]) == (text, text)

    def test_free_write_lock(self) -> None:
        manager = Manager()
        manager.dcm.free_write_lock(*NAMED, "7", manager.results.append)
        manager.dcm.free_write_lock(*NAMED, "8")
        assert manager.outlet.requests == [
            DcmRequest("unlock_secret", {**SECRET, "lock_id": "7"}),
            DcmRequest("unlock_secret", {**SECRET, "lock_id": "8"}),
        ]
        assert manager.results == [{}]

    def test_update_connection_secret(self) -> None:
        manager = Manager(update_secret=succeeded(done=True))
        parameters = {"scope": "all", "retries": 3}
        manager.dcm.update_connection_secret(*NAMED, "v", None, parameters, "7", manager.results.append)
        (request,) = manager.outlet.requests
        expected = {**SECRET, "lock_id": "7", "expires_on": "", "value": "v", "parameters": parameters}
        assert request == DcmRequest("update_secret", expected)
        assert manager.results == [{"done": True}]


class TestFailures:
    """A failure is one dict too, with the exception in it."""

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (failed("not found", errorCode="E404", detail="c1"), ("not found", "E404", "c1")),
            (failed("not found", errorCode="E404"), ("not found", "E404", "")),
            (DcmAnswer(success=False, response={}), ("the connection manager gave no reason", "", "")),
            (failed("no", errorCode=404.0, detail=None), ("no", "404.0", "")),
        ],
    )
    def test_carry_a_dcm_exception(self, answer: DcmAnswer, error: tuple[str, str, str]) -> None:
        manager = Manager(get_connection=answer)
        manager.dcm.get_connection("c1", manager.results.append)
        (result,) = manager.results
        assert failure(result) == (f"DCM get_connection failed: {error[0]}", *error)
        assert {key: result[key] for key in answer.response} == answer.response

    def test_do_not_change_the_engines_answer(self) -> None:
        answer = failed("no")
        manager = Manager(get_connection=answer)
        manager.dcm.get_connection("c1", lambda result: None)
        assert answer.response == {"message": "no"}

    @pytest.mark.parametrize(
        ("verb", "call"),
        [
            ("unlock_secret", lambda dcm: dcm.free_write_lock(*NAMED, "7")),
            ("update_secret", lambda dcm: dcm.update_connection_secret(*NAMED, "v", None, None, "7")),
            ("lock_secret", lambda dcm: dcm.get_lock_and_update_secret(*NAMED, "v", None, None)),
            ("update_secret", lambda dcm: dcm.get_lock_and_update_secret(*NAMED, "v", None, None)),
        ],
    )
    def test_that_nobody_takes_are_a_warning(self, verb: str, call: Callable[[AMPDCMV2], None]) -> None:
        manager = Manager(**{"lock_secret": succeeded(secretLockId="7"), verb: failed("no")})
        call(manager.dcm)
        assert manager.outlet.texts == [f"WARN: DCM {verb} failed: no"]

    def test_of_the_engine_are_raised(self) -> None:
        dcm = AMPDCMV2(RecordingOutlet(lambda _: None))
        with pytest.raises(EngineGone):
            dcm.get_connection("c1", print)


class TestLockAndUpdate:
    """Lock, update and unlock, in a chain."""

    @staticmethod
    def run(manager: Manager) -> list[str]:
        manager.dcm.get_lock_and_update_secret(
            *NAMED, "v", datetime(2030, 1, 2), {"a": "b"}, on_complete=manager.results.append
        )
        return manager.verbs

    def test_passes_the_lock_on_and_gives_the_updates_answer(self) -> None:
        manager = Manager(lock_secret=succeeded(secretLockId="7"), update_secret=succeeded(version="2"))
        assert self.run(manager) == ["lock_secret", "update_secret", "unlock_secret"]
        lock, update, unlock = (dict(r.arguments) for r in manager.outlet.requests if isinstance(r, DcmRequest))
        assert lock == {**SECRET, "expires_in": ""}
        assert update == {
            **SECRET,
            "lock_id": "7",
            "expires_on": "2030-01-02T00:00:00",
            "value": "v",
            "parameters": {"a": "b"},
        }
        assert unlock == {**SECRET, "lock_id": "7"}
        assert manager.results == [{"version": "2"}]
        assert manager.outlet.messages == []

    def test_ends_where_there_is_no_lock(self) -> None:
        manager = Manager(lock_secret=failed("taken", errorCode="E1"))
        assert self.run(manager) == ["lock_secret"]
        assert [failure(result)[:3] for result in manager.results] == [("DCM lock_secret failed: taken", "taken", "E1")]

    def test_ends_where_the_lock_has_no_id(self) -> None:
        manager = Manager(lock_secret=succeeded(something="else"))
        assert self.run(manager) == ["lock_secret"]
        (result,) = manager.results
        assert failure(result)[1] == "the answer to the lock has no secretLockId"
        assert result["something"] == "else"

    def test_unlocks_where_the_update_fails(self) -> None:
        manager = Manager(lock_secret=succeeded(secretLockId="7"), update_secret=failed("refused"))
        assert self.run(manager) == ["lock_secret", "update_secret", "unlock_secret"]
        assert [failure(result)[1] for result in manager.results] == ["refused"]

    def test_gives_the_updates_answer_and_a_warning_where_the_unlocking_fails(self) -> None:
        manager = Manager(lock_secret=succeeded(secretLockId="7"), unlock_secret=failed("gone"))
        self.run(manager)
        assert manager.results == [{}]
        assert manager.outlet.texts == ["WARN: DCM unlock_secret failed: gone"]

    def test_needs_no_callback(self) -> None:
        manager = Manager(lock_secret=succeeded(secretLockId="7"))
        manager.dcm.get_lock_and_update_secret(*NAMED, "v", None, None)
        assert manager.verbs == ["lock_secret", "update_secret", "unlock_secret"]
        assert manager.outlet.messages == []
