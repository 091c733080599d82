"""An output tool: records into a table of a database."""

import sqlite3

import pyarrow as pa
from ayx_python_sdk.core import Anchor, PluginV2
from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class DatabaseOutput(PluginV2):
    """Creates the table from the first batch, commits when everything is there."""

    def __init__(self, provider: AMPProviderV2) -> None:
        self.provider = provider
        self.table = provider.tool_config["Table"]
        self.rows = 0
        self.connection = None
        if provider.environment.update_only:
            return
        self.connection = sqlite3.connect(provider.tool_config["Database"])

    def on_record_batch(self, table: pa.Table, anchor: Anchor) -> None:
        assert self.connection is not None
        quoted = ", ".join(f'"{name}"' for name in table.column_names)
        if not self.rows:
            self.connection.execute(f'CREATE TABLE "{self.table}" ({quoted})')
        places = ", ".join("?" * table.num_columns)
        rows = zip(*(column.to_pylist() for column in table.columns))
        self.connection.executemany(f'INSERT INTO "{self.table}" ({quoted}) VALUES ({places})', rows)
        self.rows += table.num_rows

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        self.provider.io.info(f"{anchor.name} is complete")

    def on_complete(self) -> None:
        assert self.connection is not None
        self.connection.commit()
        self.connection.close()
        self.provider.io.info("{} records written to {}", self.rows, self.table)
