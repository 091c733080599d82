"""An input tool that reads a paged JSON service over HTTP."""

import json
from typing import TYPE_CHECKING, Any, Iterator, Optional

import pyarrow as pa
from ayx_python_sdk.core import Anchor, FieldType, PluginV2
from ayx_python_sdk.core.exceptions import WorkflowRuntimeError
from ayx_python_sdk.core.proxy_requests import create_proxied_session
from ayx_python_sdk.core.utils import create_schema

if TYPE_CHECKING:
    from ayx_python_sdk.providers.amp_provider.amp_provider_v2 import AMPProviderV2


class PagedSource(PluginV2):
    """One batch for each page."""

    def __init__(self, provider: "AMPProviderV2") -> None:
        self.provider = provider
        self.config = provider.tool_config
        if not self.config.get("Url"):
            raise WorkflowRuntimeError("Enter the address of the service")
        self.page_size = int(self.config["Paging"]["Size"])
        self.headers = {h["@name"]: h["#text"] for h in self.config["Headers"]["Header"]}
        self.schema = create_schema(
            {"Id": FieldType.int64, "Name": {"type": FieldType.v_wstring, "size": 200, "source": "service"}}
        )
        self.provider.push_outgoing_metadata("Output", self.schema)

    def on_record_batch(self, batch: "pa.Table", anchor: Anchor) -> None:
        raise NotImplementedError("An input tool gets no records")

    def on_incoming_connection_complete(self, anchor: Anchor) -> None:
        raise NotImplementedError("An input tool has no connections")

    def on_complete(self) -> None:
        log = self.provider.io.info
        for number, page in enumerate(self.pages(), 1):
            table = pa.Table.from_pylist(page["items"], schema=self.schema)
            self.provider.write_to_anchor("Output", table)
            self.provider.io.update_progress(min(100, number * self.page_size / page["total"] * 100))
            log("page", number)

    def pages(self) -> Iterator[Any]:
        url: Optional[str] = f"{self.config['Url']}?size={self.page_size}"
        with create_proxied_session(self.provider) as session:
            while url:
                answer = session.get(url, headers=self.headers, timeout=10)
                if answer.status_code != 200:
                    raise WorkflowRuntimeError(f"The service answered {answer.status_code}: {answer.text}")
                page = json.loads(answer.text)
                yield page
                url = page.get("next")
