"""A configuration of every standard tool as Designer writes it, over a table with Id, Name, Pay and Day."""

from __future__ import annotations

__all__ = ["CONFIGURATIONS", "wired"]

from typing import TYPE_CHECKING

from kedge.tools.registry import find_tool
from kedge.workflow.workflow import Workflow
from tests.tools.flows import add_table, data

if TYPE_CHECKING:
    from kedge.tools.element import Element

BASE = "AlteryxBasePluginsGui."
PEOPLE = data("Id Int32, Name V_String(20), Pay Double, Day Date", (1, "ann", 1.5, "2024-01-31"))

FILE = "<Passwords/><File OutputFileName='' RecordLimit='' SearchSubDirs='False' FileFormat='0'>people.csv</File>"
TEXT = (
    "<HeaderRow>True</HeaderRow><IgnoreErrors>False</IgnoreErrors><AllowShareWrite>False</AllowShareWrite>"
    "<ImportLine>1</ImportLine><FieldLen>254</FieldLen><SingleThreadRead>False</SingleThreadRead>"
    "<IgnoreQuotes>DoubleQuotes</IgnoreQuotes><Delimeter>,</Delimeter><QuoteRecordBreak>False</QuoteRecordBreak>"
    "<CodePage>65001</CodePage>"
)
WRITTEN = (
    "<LineEndStyle>CRLF</LineEndStyle><Delimeter>,</Delimeter><ForceQuotes>False</ForceQuotes>"
    "<HeaderRow>True</HeaderRow><CodePage>65001</CodePage><WriteBOM>True</WriteBOM>"
)
SELECT = (
    "<OrderChanged value='False'/><CommaDecimal value='False'/><SelectFields><SelectField field='Name' selected='True'"
    " rename='Who' type='V_String' size='9'/><SelectField field='*Unknown' selected='True'/></SelectFields>"
)
SELECTED = (
    "<SelectConfiguration><Configuration outputConnection='Join'><OrderChanged value='False'/>"
    "<CommaDecimal value='False'/><SelectFields><SelectField field='Right_Name' selected='True' rename='Right_Name'"
    " input='Right_'/><SelectField field='*Unknown' selected='True'/></SelectFields></Configuration></SelectConfiguration>"
)
KEYS = "".join(f"<JoinInfo connection='{side}'><Field field='Name'/></JoinInfo>" for side in ("Left", "Right"))
NUMBERED = "".join(f"<JoinInfo connection='{side}'><Field field='Name'/></JoinInfo>" for side in ("#1", "#2"))
OPERANDS = (
    "<IgnoreTimeInDateTime>True</IgnoreTimeInDateTime><DateType>fixed</DateType><PeriodDate>2024-01-01</PeriodDate>"
    "<PeriodType/><PeriodCount>0</PeriodCount><Operand>x</Operand><StartDate/><EndDate/>"
)
NEW_FIELD = "<CreateField_Name>New</CreateField_Name><CreateField_Type>Int32</CreateField_Type><CreateField_Size>4</CreateField_Size>"

CONFIGURATIONS = {
    f"{BASE}TextInput.TextInput": (
        "<NumRows value='1'/><Fields><Field name='Name'/></Fields><Data><r><c>ann</c></r></Data>"
    ),
    f"{BASE}DbFileInput.DbFileInput": f"{FILE}<FormatSpecificOptions>{TEXT}</FormatSpecificOptions>",
    f"{BASE}DbFileOutput.DbFileOutput": (
        "<File MaxRecords='' FileFormat='0'>out.csv</File><Passwords/>"
        f"<FormatSpecificOptions>{WRITTEN}</FormatSpecificOptions><MultiFile value='True'/>"
        "<MultiFileType>Append</MultiFileType><MultiFileField>Name</MultiFileField><KeepField>True</KeepField>"
    ),
    f"{BASE}BrowseV2.BrowseV2": "<TempFile/><TempFileDataProfiling/><Layout/>",
    f"{BASE}AlteryxSelect.AlteryxSelect": SELECT,
    f"{BASE}Filter.Filter": f"<Mode>Simple</Mode><Simple><Operator>=</Operator><Field>Name</Field><Operands>{OPERANDS}</Operands></Simple>",
    f"{BASE}Formula.Formula": (
        "<FormulaFields><FormulaField field='Long' expression='[Name] + &quot;!&quot;' type='V_String' size='30'"
        " enabled='True'/></FormulaFields>"
    ),
    f"{BASE}MultiRowFormula.MultiRowFormula": (
        f"<UpdateField value='False'/><UpdateField_Name/>{NEW_FIELD}<OtherRows>Empty</OtherRows><NumRows value='1'/>"
        "<Expression>[Row-1:Id] + 1</Expression><GroupByFields><Field field='Name'/></GroupByFields>"
    ),
    f"{BASE}MultiFieldFormula.MultiFieldFormula": (
        "<FieldType>Text</FieldType><Fields orderChanged='False'><Field name='Name'/></Fields><CopyOutput value='True'/>"
        "<NewFieldAddOn>New_</NewFieldAddOn><NewFieldAddOnPos>Prefix</NewFieldAddOnPos>"
        "<Expression>[_CurrentField_]</Expression><ChangeFieldType value='False'/>"
        "<OutputFieldType type='V_String' size='254' scale='0'/>"
    ),
    f"{BASE}Sample.Sample": "<Mode>First</Mode><N>1</N><GroupFields orderChanged='False'><Field name='Name'/></GroupFields>",
    f"{BASE}Sort.Sort": "<SortInfo locale='1033'><Field field='Name' order='Ascending'/></SortInfo>",
    f"{BASE}Unique.Unique": "<UniqueFields orderChanged='False'><Field field='Name'/></UniqueFields>",
    f"{BASE}RecordID.RecordID": (
        "<FieldName>No</FieldName><StartValue>1</StartValue><FieldType>Int32</FieldType><FieldSize>6</FieldSize>"
        "<Position>0</Position>"
    ),
    f"{BASE}Join.Join": f"{KEYS}{SELECTED}",
    f"{BASE}JoinMultiple.JoinMultiple": (
        "<JoinByRecPos value='False'/><OutputJoinOnly value='False'/>"
        f"<JoinFields>{NUMBERED}</JoinFields><CartesianMode>Error</CartesianMode>"
    ),
    f"{BASE}Union.Union": (
        "<ByName_ErrorMode>Warning</ByName_ErrorMode><ByName_OutputMode>All</ByName_OutputMode><Mode>ByName</Mode>"
        "<SetOutputOrder value='True'/><OutputOrder><Connection>#2</Connection></OutputOrder>"
    ),
    f"{BASE}AppendFields.AppendFields": f"<CartesianMode>Error</CartesianMode>{SELECTED.replace('Right_', 'Source_')}",
    f"{BASE}FindReplace.FindReplace": (
        "<FieldFind>Name</FieldFind><FieldSearch>Name</FieldSearch><ReplaceFoundField>Name</ReplaceFoundField>"
        "<FindMode>FindAny</FindMode><NoCase value='True'/><MatchWholeWord value='False'/><ReplaceMode>Append</ReplaceMode>"
        "<ReplaceMultipleFound value='True'/><ReplaceAppendFields><Field field='Pay'/></ReplaceAppendFields>"
    ),
    "AlteryxSpatialPluginsGui.Summarize.Summarize": (
        "<SummarizeFields><SummarizeField field='Name' action='GroupBy' rename='Name'/><SummarizeField field='Pay'"
        " action='Percentile' rename='P'><Percentile value='50'/></SummarizeField><SummarizeField field='Day'"
        " action='Concat' rename='C'><Concat_Start/><Separator>,</Separator><Concat_End/></SummarizeField></SummarizeFields>"
    ),
    f"{BASE}CrossTab.CrossTab": (
        "<GroupFields orderChanged='False'><Field field='Name'/></GroupFields><HeaderField field='Id'/><DataField field='Pay'/><Methods>"
        "<Method method='Sum'/><Separator>,</Separator><FieldSize value='2048'/></Methods>"
    ),
    f"{BASE}Transpose.Transpose": (
        "<ErrorWarn>Warn</ErrorWarn><KeyFields><Field field='Name'/></KeyFields>"
        "<DataFields><Field field='Pay' selected='True'/></DataFields>"
    ),
    f"{BASE}RunningTotal.RunningTotal": (
        "<GroupByFields><Field field='Name'/></GroupByFields><RunningTotalFields><Field field='Pay'/></RunningTotalFields>"
    ),
    f"{BASE}TextToColumns.TextToColumns": (
        "<Field>Name</Field><ErrorHandling>Last</ErrorHandling><RootName>R</RootName><Delimeters value=','/>"
        "<NumFields value='2'/><Flags value='0'/>"
    ),
    f"{BASE}RegEx.RegEx": (
        "<Field>Name</Field><RegExExpression value='(.)(.)'/><CaseInsensitve value='True'/><Method>ParseSimple</Method>"
        "<Replace expression=''><CopyUnmatched value='True'/></Replace><ParseSimple><SplitToRows value='False'/>"
        "<RootName>R</RootName><NumFields value='2'/><ErrorHandling>Warn</ErrorHandling></ParseSimple>"
        "<ParseComplex><Field field='F1' type='V_String' size='9'/></ParseComplex>"
        "<Match><Field>M</Field><ErrorUnmatched value='False'/></Match>"
    ),
    f"{BASE}DateTime.DateTime": (
        "<IsFrom value='False'/><InputFieldName>Name</InputFieldName><Language>English</Language>"
        "<Format>yyyy-MM-dd</Format><OutputFieldName>When</OutputFieldName>"
    ),
    f"{BASE}GenerateRows.GenerateRows": (
        f"<UpdateField value='False'/><UpdateField_Name/>{NEW_FIELD}<Expression_Init>Length([Name])</Expression_Init>"
        "<Expression_Cond>New &lt; 5</Expression_Cond><Expression_Loop>New + 1</Expression_Loop>"
    ),
    "CountRecords.yxmc": "",
    "SelectRecords.yxmc": "<Value name='Ranges'>1-2</Value>",
    "Cleanse.yxmc": "<Value name='Check Box (84)'>True</Value><Value name='List Box (11)'>\"Name\"</Value>",
    f"{BASE}DataCleansing.DataCleansing": "<ReplaceNullsWithBlanks value='True'/><TrimWhitespace value='False'/>",
    f"{BASE}DynamicRename.DynamicRename": (
        "<RenameMode>FirstRow</RenameMode><Fields orderChanged='False'><Field name='Name'/></Fields><Expression/>"
        "<FirstRow><OnError>Warn</OnError></FirstRow>"
    ),
    f"{BASE}DynamicSelect.DynamicSelect": "<Mode>FieldTypes</Mode><FieldTypes>Int32,Date</FieldTypes><Expression/>",
    f"{BASE}AutoField.AutoField": "<Fields><Field field='Name' selected='True'/></Fields>",
    f"{BASE}BlockUntilDone.BlockUntilDone": "",
    f"{BASE}Tile.Tile": (
        "<Method>EqualRecords</Method><EqualRecords><NumTiles value='2'/><EqualRecordsGroupField>Name</EqualRecordsGroupField>"
        "<EqualRecordsSortField>Pay</EqualRecordsSortField><SortLocale>1033</SortLocale></EqualRecords>"
        "<GroupFields orderChanged='False'/>"
    ),
    f"{BASE}MakeGroup.MakeGroup": "<Key1st>Name</Key1st><Key2nd>Name</Key2nd>",
    f"{BASE}Test.Test": (
        "<Tests><Test><Name>t</Name><Connection>#1</Connection><Type>ExpAll</Type><Value>[Name] != ''</Value></Test></Tests>"
        "<DontReportSubsequent value='False'/>"
    ),
    f"{BASE}Message.Message": (
        "<When>Filter</When><Filter>[Id] = 1</Filter><Type>Warning</Type><Priority>Normal</Priority>"
        "<Transient>False</Transient><MessageExpression>[Name]</MessageExpression>"
    ),
}


def wired(plugin: str, configuration: Element) -> tuple[Workflow, int]:
    """Return a workflow of one tool with a table at each of its inputs, and the tool's id."""
    flow = Workflow()
    wires: list[tuple[int, str, str]] = []
    tool = find_tool(plugin, plugin)
    assert tool is not None
    for anchor in tool.inputs:
        for number in (1, 2) if anchor.multiple else (0,):
            flow, origin = add_table(flow, PEOPLE)
            wires.append((origin, anchor.name, f"#{number}" if number else ""))
    macro = plugin.endswith(".yxmc")
    flow, tool_id = flow.add("", configuration, Macro=plugin) if macro else flow.add(plugin, configuration)
    for origin, name, order in wires:
        flow = flow.connect(origin, "Output", tool_id, name, order)
    return flow, tool_id
