"""Which flights left late, and in what weather.

    kedge tool run examples/late_flights.py:LateFlights \
        -i Flights=examples/data/flights.csv -i Weather=examples/data/weather.csv \
        -o Late=late.parquet -o OnTime=on_time.parquet -o Rejects=rejects.csv -c Minutes=60

The weather, a row for each airport and hour, is held in memory. Once it is known, flights pass through batch by batch.
"""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from kedge import AMPProviderV2, Anchor, Field, FieldType, PluginV2, WorkflowRuntimeError

KEY = ("origin", "time_hour")
DELAYS = ("dep_delay", "arr_delay")
REASON = pa.field("reason", pa.string())


class LateFlights(PluginV2):
    """Add the weather at the airport in the hour of departure to each flight, and tell the late ones from the others.

    Configuration: ``Minutes``, from how many minutes on a flight is late (30 if not given); ``Delay``, ``dep_delay`` or
    ``arr_delay``, the delay that counts; ``Weather``, the columns to add, separated by commas (if not given, all that
    flights do not have).

    ``Flights`` and ``Weather`` are joined by the columns ``origin`` and ``time_hour``. Every flight goes to one output:
    to ``Late`` or ``OnTime``, with its weather; or to ``Rejects``, with the reason, because it has no delay (it was
    cancelled) or there is no weather for its hour. The order stays.
    """

    input_anchors = ("Flights", "Weather")
    output_anchors = ("Late", "OnTime", "Rejects")

    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        config = provider.tool_config
        self.minutes = whole_number(config.get("Minutes") or "30", "Minutes")
        self.delay = config.get("Delay") or DELAYS[0]
        if self.delay not in DELAYS:
            raise WorkflowRuntimeError(f"Delay must be {' or '.join(DELAYS)}, but is {self.delay!r}")
        flights, weather = self.columns("Flights", [*KEY, self.delay]), self.columns("Weather", list(KEY))
        self.added = columns_to_add(config.get("Weather"), flights, weather)
        for anchor in ("Late", "OnTime"):
            provider.push_outgoing_metadata(anchor, pa.schema([*flights, *subset(weather, self.added)]))
        provider.push_outgoing_metadata("Rejects", flights.append(REASON))
        self.weather = subset(weather, [*KEY, *self.added]).empty_table()
        self.weather_keys: pa.ChunkedArray | None = None
        self.waiting: list[pa.Table] = []  # flights that came before the weather
        self.counts: Counter[str] = Counter()

    def on_record_batch(self, batch: pa.Table, anchor: Anchor) -> None:
        if anchor.name == "Weather":
            self.weather = pa.concat_tables([self.weather, batch.select(self.weather.column_names)])
        elif self.weather_keys is None:
            self.waiting.append(batch)
        else:
            self.write(batch)

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        if anchor.name != "Weather":
            return
        self.weather_keys = key(self.weather)
        if repeated := len(self.weather_keys) - len(self.weather_keys.unique()):
            self.provider.io.warn("{} rows of Weather repeat an airport and hour; the first of each counts", repeated)
        while self.waiting:
            self.write(self.waiting.pop(0))

    def on_complete(self) -> None:
        late, total = self.counts["Late"], self.counts.total()
        self.provider.io.info("{:,} of {:,} flights were late by {} minutes or more", late, total, self.minutes)
        if self.counts["Rejects"]:
            self.provider.io.warn("{:,} flights have no delay or no weather; see Rejects", self.counts["Rejects"])
        self.provider.io.update_progress(1.0)

    def write(self, flights: pa.Table) -> None:
        """Add the weather to flights, and write each to its output."""
        delay = pc.cast(flights[self.delay], pa.float64())
        rows = pc.index_in(key(flights), self.weather_keys)
        no_delay, no_weather = pc.is_null(delay), pc.is_null(rows)
        reason = pc.if_else(
            no_delay, f"no {self.delay}", pc.if_else(no_weather, "no weather", pa.scalar(None, pa.string()))
        )
        rejects = flights.append_column(REASON, reason).filter(pc.is_valid(reason))
        is_late = pc.greater_equal(delay, self.minutes)
        weather = self.weather.select(self.added).take(rows)
        for field, column in zip(weather.schema, weather.columns, strict=True):
            flights = flights.append_column(field, column)
        flights, is_late = flights.filter(pc.is_null(reason)), is_late.filter(pc.is_null(reason))
        self.send("Late", flights.filter(is_late))
        self.send("OnTime", flights.filter(pc.invert(is_late)))
        self.send("Rejects", rejects)
        self.report_progress(flights["time_hour"])

    def send(self, anchor: str, table: pa.Table) -> None:
        self.counts[anchor] += table.num_rows
        self.provider.write_to_anchor(anchor, table)

    def report_progress(self, hours: pa.ChunkedArray) -> None:
        """Flights come in the order of time: tell how much of the time of the known weather has passed."""
        if len(hours) and len(self.weather) and pa.types.is_timestamp(hours.type):
            span = pc.min_max(self.weather["time_hour"]).as_py()
            passed, whole = hours[-1].as_py() - span["min"], span["max"] - span["min"]
            self.provider.io.update_progress(passed / whole if whole else 1.0)

    def columns(self, anchor: str, required: list[str]) -> pa.Schema:
        """Return the columns of the one connection of an anchor."""
        connections = list(self.provider.incoming_anchors.get(anchor, {}).values())
        if len(connections) != 1:
            raise WorkflowRuntimeError(f"connect one table to {anchor}")
        fields = connections[0]["metadata"].fields
        schema = pa.schema([Field(f.name, FieldType(f.type), f.size, f.scale).to_arrow() for f in fields])
        for name in required:
            if name not in schema.names:
                raise WorkflowRuntimeError(f"{anchor} has no column {name!r}; it has {', '.join(schema.names)}")
        return schema


def key(table: pa.Table) -> pa.ChunkedArray:
    """Return airport and hour of each row as one text."""
    return pc.binary_join_element_wise(*(pc.cast(table[name], pa.string()) for name in KEY), " ")


def subset(schema: pa.Schema, names: list[str]) -> pa.Schema:
    return pa.schema([schema.field(name) for name in names])


def whole_number(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise WorkflowRuntimeError(f"{name} must be a whole number, but is {text!r}") from None


def columns_to_add(chosen: str | None, flights: pa.Schema, weather: pa.Schema) -> list[str]:
    """Return the columns of the weather that the late flights get, and check that they can."""
    if not chosen:
        return [name for name in weather.names if name not in flights.names]
    names = [name.strip() for name in chosen.split(",")]
    for name in names:
        if name not in weather.names:
            raise WorkflowRuntimeError(f"Weather has no column {name!r}; it has {', '.join(weather.names)}")
        if name in flights.names:
            raise WorkflowRuntimeError(f"{name!r} is a column of Flights already; choose other columns of Weather")
    return names
