"""What a tool may ask its engine for, answered from files."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from kedge.exceptions import DcmEError, UsageError
from kedge.host.dcm_store import DEFAULT_LOCK, DcmStore
from kedge.host.engine_services import EngineServices, LocalEngineServices, failure_fields
from kedge.host.file_lock import locked

if TYPE_CHECKING:
    from pathlib import Path

START = dt.datetime(2024, 5, 1, 12, 0, tzinfo=dt.timezone.utc)
SECRET = ("db", "main", "token")
CONNECTIONS = {
    "db": {
        "dataSource": {"host": "db.example.org"},
        "credentials": [
            {
                "credRole": "main",
                "parameters": {"username": "Äda"},
                "secrets": {"token": {"value": "old", "expiresOn": None}, "password": {"value": "x"}},
            }
        ],
    },
    "bare": {},
}


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += dt.timedelta(**duration)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "connections.json"
    path.write_text(json.dumps(CONNECTIONS))
    return path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(path: Path, clock: Clock) -> DcmStore:
    return DcmStore(path, clock)


def failure(call: object, *args: object) -> str:
    """Return the error code with which a call fails."""
    assert callable(call)
    with pytest.raises(DcmEError) as caught:
        call(*args)
    return caught.value.error_code


class TestGetConnection:
    """A connection is returned as the file has it."""

    def test_it_has_its_id_and_everything_in_the_file(self, store: DcmStore) -> None:
        assert store.get_connection("db") == {"connectionId": "db", **CONNECTIONS["db"]}

    def test_one_without_credentials_has_none(self, store: DcmStore) -> None:
        assert store.get_connection("bare") == {"connectionId": "bare", "credentials": []}

    def test_locks_are_nobody_s_business(self, store: DcmStore) -> None:
        store.lock_secret(*SECRET)
        assert store.get_connection("db") == {"connectionId": "db", **CONNECTIONS["db"]}

    def test_an_unknown_one_is_a_failure_that_lists_the_known(self, store: DcmStore) -> None:
        with pytest.raises(DcmEError) as caught:
            store.get_connection("dx")
        assert failure_fields(caught.value) == {
            "message": "There is no connection 'dx'.",
            "errorCode": "CONNECTION_NOT_FOUND",
            "detail": "Known are: db, bare",
        }


class TestLocks:
    """A secret is held by one user at a time, and not for ever."""

    def test_a_lock_has_an_id_and_an_expiry(self, store: DcmStore) -> None:
        lock = store.lock_secret(*SECRET)
        assert lock == {"secretLockId": lock["secretLockId"], "expiresOn": (START + DEFAULT_LOCK).isoformat()}
        assert len(lock["secretLockId"]) == 32

    @pytest.mark.parametrize(
        ("expires_in", "seconds"),
        [
            ("90", 90),
            ("0.5", 0.5),
            ("2024-05-01T12:10:00Z", 600),
            ("2024-05-01T14:10:00+02:00", 600),
            ("2024-05-01T12:01:00", 60),
        ],
    )
    def test_the_expiry_is_seconds_or_a_moment(self, store: DcmStore, expires_in: str, seconds: float) -> None:
        expires_on = store.lock_secret(*SECRET, expires_in)["expiresOn"]
        assert dt.datetime.fromisoformat(expires_on) - START == dt.timedelta(seconds=seconds)

    @pytest.mark.parametrize("expires_in", ["soon", "0", "-5", "nan", "inf", "1e30", "2020-01-01"])
    def test_any_other_expiry_is_a_failure(self, store: DcmStore, expires_in: str) -> None:
        assert failure(store.lock_secret, *SECRET, expires_in) == "INVALID_ARGUMENT"

    def test_a_locked_secret_cannot_be_locked_by_another(self, path: Path, store: DcmStore, clock: Clock) -> None:
        store.lock_secret(*SECRET)
        assert failure(DcmStore(path, clock).lock_secret, *SECRET) == "SECRET_LOCKED"

    def test_other_secrets_are_free(self, store: DcmStore) -> None:
        store.lock_secret(*SECRET)
        assert store.lock_secret("db", "main", "password")["secretLockId"]

    def test_it_can_be_locked_again_after_it_was_given_back(self, store: DcmStore) -> None:
        first = store.lock_secret(*SECRET)["secretLockId"]
        assert store.unlock_secret(*SECRET, first) == {}
        assert store.lock_secret(*SECRET)["secretLockId"] != first

    def test_it_can_be_locked_again_after_the_lock_expired(self, store: DcmStore, clock: Clock) -> None:
        first = store.lock_secret(*SECRET, "60")["secretLockId"]
        clock.advance(seconds=59)
        assert failure(store.lock_secret, *SECRET) == "SECRET_LOCKED"
        clock.advance(seconds=1)
        assert failure(store.unlock_secret, *SECRET, first) == "LOCK_EXPIRED"
        store.lock_secret(*SECRET)
        assert failure(store.unlock_secret, *SECRET, first) == "LOCK_NOT_HELD"

    @pytest.mark.parametrize(
        ("secret", "code"),
        [
            (("dx", "main", "token"), "CONNECTION_NOT_FOUND"),
            (("db", "other", "token"), "CREDENTIAL_NOT_FOUND"),
            (("bare", "main", "token"), "CREDENTIAL_NOT_FOUND"),
            (("db", "main", "other"), "SECRET_NOT_FOUND"),
        ],
    )
    def test_what_does_not_exist_cannot_be_locked(
        self, store: DcmStore, secret: tuple[str, str, str], code: str
    ) -> None:
        assert failure(store.lock_secret, *secret) == code
        assert failure(store.unlock_secret, *secret, "id") == code
        assert failure(store.update_secret, *secret, "id", "", "new", {}) == code


class TestUpdates:
    """A locked secret can be changed, and the change stays."""

    def test_a_new_value_is_written(self, path: Path, store: DcmStore) -> None:
        lock_id = store.lock_secret(*SECRET)["secretLockId"]
        assert store.update_secret(*SECRET, lock_id, "2030-01-01", "néw", {"scope": ["read"]}) == {}
        store.unlock_secret(*SECRET, lock_id)
        expected = {"value": "néw", "expiresOn": "2030-01-01", "parameters": {"scope": ["read"]}}
        assert json.loads(path.read_text("utf-8"))["db"]["credentials"][0]["secrets"]["token"] == expected
        assert DcmStore(path).get_connection("db")["credentials"][0]["secrets"]["token"] == expected

    def test_nothing_else_in_the_file_changes(self, path: Path, store: DcmStore) -> None:
        store.update_secret(*SECRET, store.lock_secret(*SECRET)["secretLockId"], "", "new", {})
        document = json.loads(path.read_text("utf-8"))
        assert document["db"]["dataSource"] == CONNECTIONS["db"]["dataSource"]
        assert document["db"]["credentials"][0]["parameters"] == {"username": "Äda"}
        assert document["db"]["credentials"][0]["secrets"]["password"] == {"value": "x"}

    def test_no_lock_and_a_wrong_lock_are_failures(self, path: Path, store: DcmStore) -> None:
        before = path.read_text()
        assert failure(store.update_secret, *SECRET, "none", "", "new", {}) == "LOCK_NOT_HELD"
        assert path.read_text() == before
        store.lock_secret(*SECRET)
        assert failure(store.update_secret, *SECRET, "wrong", "", "new", {}) == "LOCK_NOT_HELD"

    def test_an_expired_lock_is_a_failure(self, store: DcmStore, clock: Clock) -> None:
        lock_id = store.lock_secret(*SECRET, "60")["secretLockId"]
        clock.advance(seconds=60)
        assert failure(store.update_secret, *SECRET, lock_id, "", "new", {}) == "LOCK_EXPIRED"

    def test_the_file_keeps_its_permissions_and_no_other_is_left(self, path: Path, store: DcmStore) -> None:
        path.chmod(0o600)
        store.lock_secret(*SECRET)
        assert path.stat().st_mode & 0o777 == 0o600
        assert sorted(entry.name for entry in path.parent.iterdir()) == ["connections.json", "connections.json.lock"]


LOCK_AND_UNLOCK = """
import sys
from pathlib import Path
from kedge.exceptions import DcmEError
from kedge.host.dcm_store import DcmStore

store, count = DcmStore(Path(sys.argv[1])), 0
while count < 10:
    try:
        lock_id = store.lock_secret("db", "main", "token")["secretLockId"]
    except DcmEError:
        continue  # the other process holds it
    store.unlock_secret("db", "main", "token", lock_id)
    count += 1
print(count)
"""


class TestTwoProcesses:
    """The file serves several processes at once."""

    def test_no_change_is_lost_or_mixed(self, path: Path) -> None:
        command = [sys.executable, "-c", LOCK_AND_UNLOCK, str(path)]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        counts = [int(process.communicate()[0]) for process in processes]
        assert counts == [10, 10]
        assert json.loads(path.read_text()) == {**CONNECTIONS, "bare": {"credentials": []}}

    def test_a_lock_waits_for_its_holder(self, tmp_path: Path) -> None:
        order: list[str] = []

        def second() -> None:
            with locked(tmp_path / "lock"):
                order.append("second")

        thread = threading.Thread(target=second)
        with locked(tmp_path / "lock"):
            thread.start()
            thread.join(timeout=0.05)
            order.append("first")
        thread.join()
        assert order == ["first", "second"]


class TestWrongFiles:
    """A file that is wrong is named, with the place."""

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('{"a": 1,\n  }', r"connections\.json, line 2, column 3: "),
            ("[]", "the file must be an object, but is a list"),
            ('{"a": 1}', "a must be an object, but is a number"),
            ('{"a": {"credentials": {}}}', r"a\.credentials must be a list, but is an object"),
            ('{"a": {"credentials": ["x"]}}', r"a\.credentials\[0\] must be an object, but is a text"),
            ('{"a": {"credentials": [{}]}}', r"a\.credentials\[0\]\.credRole must be a text, but is null"),
            (
                '{"a": {"credentials": [{"credRole": "r", "secrets": {"s": true}}]}}',
                r"a\.credentials\[0\]\.secrets\.s must be an object, but is true or false",
            ),
            (
                '{"a": {"credentials": [{"credRole": "r", "secrets": {"s": {"lock": {"secretLockId": "1"}}}}]}}',
                r"secrets\.s\.lock\.expiresOn must be a text, but is null",
            ),
            (
                '{"a": {"credentials": [{"credRole": "r", "secrets": {"s": {"lock": {"secretLockId": "1", '
                '"expiresOn": "soon"}}}}]}}',
                r"secrets\.s\.lock\.expiresOn must be an ISO 8601 moment, but is 'soon'",
            ),
            ('{"a": {}, "a": {}}', "names the key 'a' twice in one object"),
            (b'{"a": "\xff"}', "is not UTF-8 text"),
        ],
    )
    def test_connections(self, tmp_path: Path, text: str | bytes, message: str) -> None:
        path = tmp_path / "connections.json"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        with pytest.raises(UsageError, match=message) as caught:
            DcmStore(path)
        assert str(path) in str(caught.value)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"connections\.json cannot be read: No such file"):
            DcmStore(tmp_path / "connections.json")

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("translations", '{"de": {"Done": 1}}', r"translations\.json: de\.Done must be a text, but is a number"),
            ("translations", '{"de": "Done"}', "de must be an object, but is a text"),
            ("passwords", '{"x": null}', r"passwords\.json: x must be a text, but is null"),
        ],
    )
    def test_others(self, tmp_path: Path, name: str, text: str, message: str) -> None:
        (tmp_path / f"{name}.json").write_text(text)
        with pytest.raises(UsageError, match=message):
            LocalEngineServices.load(tmp_path)


class TestLocalEngineServices:
    """The services from a directory of files."""

    def test_everything_is_answered_from_the_files(self, path: Path) -> None:
        path.with_name("translations.json").write_text('\ufeff{"de": {"{0} rows": "{0} Zeilen"}}', "utf-8")
        path.with_name("passwords.json").write_text('{"ENC(1)": "secret"}')
        services: EngineServices = LocalEngineServices.load(path.parent, "de")
        assert services.translate("{0} rows", ["3"]) == "3 Zeilen"
        assert services.decrypt_password("ENC(1)") == "secret"
        assert services.get_connection("db")["dataSource"] == {"host": "db.example.org"}
        lock_id = services.lock_secret(*SECRET, "60")["secretLockId"]
        services.update_secret(*SECRET, lock_id, "", "new", {})
        services.unlock_secret(*SECRET, lock_id)
        assert services.get_connection("db")["credentials"][0]["secrets"]["token"]["value"] == "new"

    def test_a_directory_without_any_of_them_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"has no translations\.json, passwords\.json or connections\.json"):
            LocalEngineServices.load(tmp_path)

    def test_without_files_texts_stay_and_the_rest_is_a_failure(self) -> None:
        services = LocalEngineServices()
        assert services.translate("{0} rows", ["3"]) == "3 rows"
        with pytest.raises(UsageError, match=r"no password is known for 'ENC\(1\)'; add it to passwords\.json"):
            services.decrypt_password("ENC(1)")
        assert failure(services.get_connection, "db") == "CONNECTION_NOT_FOUND"
        assert failure(services.lock_secret, *SECRET, "") == "CONNECTION_NOT_FOUND"

    def test_a_failure_without_detail_has_two_fields(self) -> None:
        assert failure_fields(DcmEError("No.", "X")) == {"message": "No.", "errorCode": "X"}
