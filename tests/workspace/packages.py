"""A workspace with one tool, ``Doubler``, as the scaffold makes it, and packages made by hand."""

import zipfile
from pathlib import Path

from kedge.workspace.project import Workspace
from kedge.workspace.project_file import load_workspace
from kedge.workspace.scaffold import PackageFacts, new_tool, new_workspace
from kedge.workspace.tool_types import tool_type

DOUBLER = """
import sys

import kedge
import pyarrow as pa
import pyarrow.compute as pc
from ayx_python_sdk.core import PluginV2

class Doubler(PluginV2):
    def __init__(self, provider):
        self.provider = provider
        provider.push_outgoing_metadata("Output", pa.schema([("n", pa.int64())]))
        provider.io.info("kedge from {}, tool from {}", kedge.__file__, __file__)

    def on_record_batch(self, batch, anchor):
        doubled = pc.multiply(batch["n"].cast(pa.int64()), 2)
        self.provider.write_to_anchor("Output", pa.table({"n": doubled}))

    def on_incoming_connection_complete(self, anchor): ...
    def on_complete(self): ...
"""
CONFIG = """<AlteryxJavaScriptPlugin><Properties><MetaInfo>
<Name>{}</Name><ToolVersion>{}</ToolVersion></MetaInfo></Properties></AlteryxJavaScriptPlugin>"""
TOOL_CONFIG = """<AlteryxJavaScriptPlugin><EngineSettings EngineDll="{}" EngineDllEntryPoint="{}"/><GuiSettings>
<InputConnections><Connection Name="Input"/></InputConnections>
<OutputConnections><Connection Name="Output"/></OutputConnections></GuiSettings></AlteryxJavaScriptPlugin>"""
FLOW = """<?xml version="1.0"?><AlteryxDocument yxmdVer="2022.1"><Nodes>
<Node ToolID="1"><GuiSettings Plugin="AlteryxBasePluginsGui.TextInput.TextInput"><Position x="54" y="54"/></GuiSettings>
<Properties>
<Configuration><Fields><Field name="n"/></Fields><Data><r><c>1</c></r><r><c>21</c></r></Data></Configuration>
</Properties><EngineSettings EngineDll="AlteryxBasePluginsEngine.dll" EngineDllEntryPoint="AlteryxTextInput"/></Node>
<Node ToolID="2"><GuiSettings Plugin="Doubler_1_0"><Position x="150" y="54"/></GuiSettings><Properties><Configuration/>
</Properties><EngineSettings EngineDll="SdkEnginePlugin.dll" EngineDllEntryPoint="SdkEnginePlugin"/></Node></Nodes>
<Connections><Connection>
<Origin ToolID="1" Connection="Output"/><Destination ToolID="2" Connection="Input"/></Connection>
</Connections><Properties/></AlteryxDocument>"""


def numbers_workspace(folder: Path) -> Workspace:
    made = new_workspace(folder, PackageFacts(title="Numbers", tool_category="Math", author="Ada"))
    tool = new_tool(made, "Doubler", tool_type("single-input-single-output"))
    tool.module.write_text(DOUBLER)
    return load_workspace(folder)


def yxi(file: Path, name: str = "Numbers", version: str = "1.0", **members: str) -> Path:
    """A package with a Config.xml and other members, ``Doubler__main_py`` for ``Doubler/main.py``."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("Config.xml", CONFIG.format(name, version))
        for place, content in members.items():
            archive.writestr(place.replace("__", "/").replace("_py", ".py").replace("_xml", ".xml"), content)
    return file


def python_yxi(file: Path, name: str = "Numbers", version: str = "1.0", tool: str = "Doubler") -> Path:
    """A package whose tool is a Python file, as they were made before there was main.pyz."""
    members = {
        f"{tool}__main_py": DOUBLER.replace("Doubler", tool),
        f"{tool}__{tool}Config_xml": TOOL_CONFIG.format("SdkEnginePlugin.dll", "SdkEnginePlugin"),
    }
    return yxi(file, name, version, **members)
