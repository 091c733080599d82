"""A tool for each check of the conformance kit that does just what the check is there to find."""

import datetime as dt
import itertools
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from kedge import AMPProviderV2, Anchor, FieldType, InputAnchor, PluginV2, create_schema


class Through(PluginV2):
    """Passes records on; the wrong tools differ from it in one thing each."""

    input_anchors = ("Input",)
    output_anchors: ClassVar[tuple[str, ...]] = ("Output",)

    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.write(batch)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None: ...

    def on_complete(self) -> None: ...

    def write(self, table: pa.Table) -> None:
        self.provider.write_to_anchor("Output", table)


class AlwaysFails(Through):
    """plain-run."""

    def on_complete(self) -> None:
        self.provider.io.error("I do not like this")


class CountsInTheClass(Through):
    """repeatable: what one run leaves in the class changes the next."""

    runs = itertools.count()

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.write(batch.append_column("run", pa.array([next(self.runs)] * len(batch), pa.int64())))


class Sleepy(Through):
    """update-only: does its work in the constructor."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        time.sleep(0.55)


class WritesAtOnce(Through):
    """update-only: writes where it can only announce."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        if provider.environment.update_only:
            self.write(pa.table({"a": [1]}))


class PreparesAFile(Through):
    """update-only: writes to disk before anything runs."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        Path(tempfile.gettempdir(), "cache").touch()


class AnnouncesOtherThings(Through):
    """announced-schema: the run's columns are not those of the update."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        name = "rows" if provider.environment.update_only else "count"
        provider.push_outgoing_metadata("Output", create_schema({name: FieldType.int64}))

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.write(pa.table({"count": [len(batch)]}))


class WritesOtherThings(Through):
    """announced-schema: what is written was never announced."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        provider.push_outgoing_metadata("Output", create_schema({"rows": FieldType.int64}))


class WritesTooMuch(Through):
    """announced-schema: values do not fit."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        provider.push_outgoing_metadata("Output", create_schema({"moment": FieldType.datetime}))

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.write(pa.table({"moment": [dt.datetime(2020, 1, 1, 12, 0, 0, 500_000)]}))


class NumbersWithinBatches(Through):
    """batch-splits: numbers rows from the beginning of each batch."""

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.write(batch.append_column("row", pa.array(range(len(batch)), pa.int64())))


class TakesTheFirstRow(Through):
    """zero-rows: expects that there is one."""

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.provider.io.info(str(batch[0][0]))
        self.write(batch)


class ExpectsABatch(Through):
    """zero-rows: expects that something came."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        self.batches: list[pa.Table] = []

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.batches.append(batch)

    def on_complete(self) -> None:
        self.write(pa.concat_tables(self.batches))


class NeedsWhatIsOptional(Through):
    """optional-anchors: looks into a connection that need not be there."""

    input_anchors: ClassVar[dict[str, InputAnchor]] = {  # type: ignore[assignment]
        "Input": InputAnchor(),
        "Extra": InputAnchor(optional=True),
    }

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        self.extra = provider.incoming_anchors["Extra"]["#1"]


class AddsUp(Through):
    """null-columns: forgets that a sum can be null."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        self.total = 0

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.total += pc.sum(batch["id"]).as_py()
        self.write(batch)


class ExpectsNumbers(Through):
    """null-columns: forgets that a column without values comes without a type."""

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.write(pa.table({"double": pc.multiply(batch["id"], 2)}))


class OnlyAscii(Through):
    """texts: crashes at the first letter from elsewhere."""

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        for text in batch["name"].to_pylist():
            (text or "").encode("ascii")
        self.write(batch)


class CutsTexts(Through):
    """texts: takes 255 characters for enough."""

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        place = batch.schema.get_field_index("name")
        self.write(batch.set_column(place, "name", pc.utf8_slice_codeunits(batch["name"], 0, 255)))


class TakesTheFirstColumn(Through):
    """column-order: counts columns."""

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.write(pa.table({"key": [str(batch[0][0])]}))


class NowAndThen(Through):
    """message-order: the order of its messages changes from run to run."""

    runs = itertools.count()

    def on_complete(self) -> None:
        for word in ("first", "second")[:: 1 if next(self.runs) % 2 else -1]:
            self.provider.io.info(word)


class StartsAgain(Through):
    """progress: begins with every batch anew."""

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        for fraction in (0.1, 0.9):
            self.provider.io.update_progress(fraction)
        self.write(batch)


class RunsPastTheEnd(Through):
    """progress: counts batches, not shares."""

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.provider.io.update_progress(101 + len(batch))
        self.write(batch)


class LeavesAThread(Through):
    """leaves-nothing: starts a thread and forgets it; ``let_go`` ends it for the test."""

    let_go = threading.Event()

    def on_complete(self) -> None:
        threading.Thread(target=self.let_go.wait, name="forgotten", daemon=True).start()


class LeavesAFile(Through):
    """leaves-nothing: puts a file where nobody deletes it."""

    def on_complete(self) -> None:
        Path(tempfile.gettempdir(), "left.tmp").touch()


class LeavesADescriptor(Through):
    """leaves-nothing: opens a file and never closes it; the test does."""

    opened: ClassVar[list[IO[bytes]]] = []

    def on_complete(self) -> None:
        self.opened.append(Path(__file__).open("rb"))  # noqa: SIM115 - that is what is wrong with it


class Impatient(Through):
    """slow-reader: takes an engine that is slow three times in a row for a dead one."""

    slow = 0

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        started = time.monotonic()
        self.write(batch)
        self.slow = self.slow + 1 if time.monotonic() - started > 0.015 else 0
        if self.slow == 3:
            raise TimeoutError("the engine does not answer")


class Stubborn(Through):
    """exception-safety: goes on when a write failed."""

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        try:
            self.write(batch)
        except Exception as error:
            self.provider.logger.info("well: %s", error)


class LeavesALock(Through):
    """exception-safety: what it holds during a write it never gives back."""

    busy: ClassVar[bool] = False

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        if LeavesALock.busy:
            raise RuntimeError("somebody is writing")
        LeavesALock.busy = True
        self.write(batch)
        LeavesALock.busy = False


class KeepsEverything(Through):
    """memory-slope: writes batches, and keeps them too."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        self.seen: list[pa.Table] = []

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.seen.append(batch)
        self.write(batch)


class KeepsRows(Through):
    """memory-slope: collects its input as Python objects."""

    def __init__(self, provider: AMPProviderV2) -> None:
        super().__init__(provider)
        self.rows: list[dict[str, object]] = []

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        self.rows += batch.to_pylist()

    def on_complete(self) -> None:
        self.write(pa.Table.from_pylist(self.rows))
