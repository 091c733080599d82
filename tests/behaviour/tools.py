"""Tools whose behaviour every adapter must agree on."""

from __future__ import annotations

import threading
from typing import Any

import pyarrow as pa

from kedge import FieldType, PluginV2, WorkflowRuntimeError, create_schema


class Recorder(PluginV2):
    """Tells, as messages, each callback that it gets."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self.info = provider.io.info
        self.info("init {} {}", provider.environment.tool_id, sorted(provider.incoming_anchors))
        self.threads = {threading.get_ident()}

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.threads.add(threading.get_ident())
        self.info("batch {} {} {}", anchor.name, anchor.connection, batch.num_rows)

    def on_incoming_connection_complete(self, anchor: Any) -> None:
        self.info("connection {} {}", *anchor)

    def on_complete(self) -> None:
        self.info("complete on {} thread", len(self.threads))


class Copy(Recorder):
    """Writes what it reads, from all connections to Output."""

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.provider.write_to_anchor("Output", batch)

    def on_incoming_connection_complete(self, anchor: Any) -> None:
        pass

    def on_complete(self) -> None:
        self.provider.io.update_progress(1.0)


class Split(Copy):
    """Writes odd numbers to one anchor, even ones to the other, and announces both."""

    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        for anchor in ("Odd", "Even"):
            provider.push_outgoing_metadata(anchor, create_schema({"number": FieldType.int64}))

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        numbers = batch["number"].to_pylist()
        for name, rest in (("Odd", 1), ("Even", 0)):
            kept = [number for number in numbers if number % 2 == rest]
            self.provider.write_to_anchor(name, pa.table({"number": pa.array(kept, pa.int64())}))


class Source(Copy):
    """Has no inputs and writes from on_complete."""

    def on_complete(self) -> None:
        for start in range(3):
            self.provider.write_to_anchor("Output", pa.table({"number": [start, start + 1]}))


class Asking(Copy):
    """Asks for a translation in each callback, both ways, for a password and for a connection."""

    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        self.info(provider.io.translate_msg("hello {0}", "you"))
        provider.io.translate_msg_use_callback("early", (), lambda answer: self.info(answer.translated_message))

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.provider.dcm.get_connection("c1", self.connected)

    def connected(self, answer: dict[str, Any]) -> None:
        self.info("connection {}", answer["connection_id"])

    def on_complete(self) -> None:
        self.info("completing")
        self.provider.io.translate_msg_use_callback("late {0}", (1,), lambda a: self.info(a.translated_message))


class Announcing(Copy):
    """Announces in the constructor and nothing else."""

    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        provider.push_outgoing_metadata("Output", create_schema({"a": FieldType.int32, "b": FieldType.v_wstring}))


class FailsInInit(Copy):
    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        raise ValueError("no start")


class FailsInBatch(Copy):
    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.provider.write_to_anchor("Output", batch)
        raise ValueError("no batch")


class FailsInConnection(Copy):
    def on_incoming_connection_complete(self, anchor: Any) -> None:
        raise ValueError("no connection")


class FailsInComplete(Copy):
    def on_complete(self) -> None:
        raise ValueError("no end")


class FailsSoftly(Copy):
    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        raise WorkflowRuntimeError("the threshold is missing")


class Exits(Copy):
    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        raise SystemExit(3)


class WritesElsewhere(Copy):
    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.provider.write_to_anchor("Outptu", batch)


class WritesInInit(Copy):
    def __init__(self, provider: Any) -> None:
        super().__init__(provider)
        provider.write_to_anchor("Output", pa.table({"number": [1]}))


class WritesAfterClose(Copy):
    def on_complete(self) -> None:
        self.provider.close_outgoing_anchor("Output")
        self.provider.write_to_anchor("Output", pa.table({"number": [1]}))


class WritesTwoSchemas(Copy):
    def on_complete(self) -> None:
        self.provider.write_to_anchor("Output", pa.table({"another": ["text"]}))


class WritesList(Copy):
    def on_complete(self) -> None:
        self.provider.write_to_anchor("Output", pa.table({"numbers": [[1, 2]]}))


class ReportsError(Copy):
    """Reports an error and goes on."""

    def on_record_batch(self, batch: pa.Table, anchor: Any) -> None:
        self.provider.io.error("row {} is bad", 3)
        self.provider.write_to_anchor("Output", batch)


class UsesThreads(Copy):
    """Writes and reports from threads of its own."""

    def on_complete(self) -> None:
        threads = [threading.Thread(target=self.work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work(self, number: int) -> None:
        self.info(self.provider.io.translate_msg("thread {0}", number))
        self.provider.write_to_anchor("Output", pa.table({"number": [number]}))
