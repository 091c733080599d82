"""The methods of a V1 tool, rewritten one by one."""

from __future__ import annotations

import libcst as cst
from libcst import matchers as m

from kedge.workspace.migrate.facts import AnchorUse, ClassFacts, code, is_idle, methods_of
from kedge.workspace.migrate.report import TODO

__all__ = ["MethodRewriter", "missing_callbacks", "with_opening"]

_OPENING = """\
for {anchor}_name, connections in {provider}.incoming_anchors.items():
    for connection_name, connection in connections.items():
        self.on_input_connection_opened(
            Anchor({anchor}_name, connection_name), MetadataBuilder.from_protobuf(connection["metadata"])
        )
"""
_COMPLETION = '''
def on_incoming_connection_complete(self, anchor: Anchor) -> None:
    """Take note of the end of a connection, for which SDK V1 had no callback."""
'''
_NO_ROWS = """\
if not {batch}.num_rows:  # SDK V1 had no packets without rows
    return
"""
_CALLBACKS = ("__init__", "on_input_connection_opened", "on_record_packet", "on_complete")
_OPENED_BY_BASE = (
    f"# {TODO} on_input_connection_opened is called at the end of the __init__ of the base class now: "
    "what it needs of this class must be there before super().__init__"
)
_OPENED = "self.opened_metadata"
_NOT_OPENED = m.UnaryOperation(
    operator=m.Not(), expression=m.Comparison(comparisons=[m.ComparisonTarget(operator=m.In())])
)


class MethodRewriter(m.MatcherDecoratableTransformer):
    """Rewrites one method in the light of what is known of its class."""

    def __init__(self, facts: ClassFacts, method: cst.FunctionDef) -> None:
        super().__init__()
        self._facts = facts
        self._method = method = _in_lines(method) if method.name.value in _CALLBACKS else method
        self._role = method.name.value
        self.connection = ""
        if self._role in ("on_input_connection_opened", "on_record_packet") and len(method.params.params) > 1:
            self.connection = method.params.params[1].name.value
        used = _variables(method) - {self.connection}
        self._anchor, self._batch = _free("anchor", used), _free("batch", used)
        self._metadata = _free("metadata", used)
        self._asked_metadata = False
        self._packets = self._packets_read()
        self._reads_once = self._role == "on_record_packet" and self._reads() == 1
        self._provider = facts.provider or "self.provider"

    def rewritten(self) -> cst.FunctionDef | None:
        """The method of V2; None for one that V2 does not need."""
        if self._role == "on_input_connection_opened" and not self._facts.opens_connections:
            return None
        method = cst.ensure_type(self._method.visit(self), cst.FunctionDef)
        if self._role == "__init__":
            return self._with_provider_annotation(method)
        if self._role == "on_input_connection_opened":
            return _with_arguments(method, f"{self._anchor}: Anchor, {self._metadata}: Metadata")
        if self._role == "on_record_packet":
            method = method.with_changes(name=cst.Name("on_record_batch"))
            method = _with_arguments(method, f"{self._batch}: pa.Table, {self._anchor}: Anchor")
            return method if is_idle(self._method) else self._with_beginning(method)
        return method

    # --- statements ---------------------------------------------------------------------------------------------------

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement] | cst.RemovalSentinel:
        """Rewrite statements that become two, or none."""
        if len(original_node.body) != 1:
            return updated_node
        (statement,) = original_node.body
        if isinstance(statement, cst.Expr) and isinstance(statement.value, cst.Call):
            return self._called(statement.value, updated_node)
        if isinstance(statement, cst.Assign) and self._sets_packet_size(statement):
            return self._without_packet_size(statement, updated_node)
        return updated_node

    def _called(
        self, call: cst.Call, updated: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement] | cst.RemovalSentinel:
        anchor, method = self._anchor_call(call)
        if anchor is None or not anchor.outgoing:
            return updated
        if method == "flush":
            return cst.RemoveFromParent()
        if method == "open" and self._facts.asks_what_is_open and call.args:
            opened = cst.ensure_type(cst.ensure_type(updated.body[0], cst.Expr).value, cst.Call).args[1].value
            held = f"{_OPENED}[{anchor.name}]"
            kept = cst.parse_statement(f"{held} = {code(opened)}").with_changes(leading_lines=updated.leading_lines)
            push = cst.parse_statement(f"{self._provider}.push_outgoing_metadata({anchor.name}, {held})")
            return cst.FlattenSentinel([kept, push])
        return updated

    def _sets_packet_size(self, assignment: cst.Assign) -> bool:
        size = m.Attribute(value=m.Name(self.connection), attr=m.Name("max_packet_size"))
        return bool(self.connection) and m.matches(assignment, m.Assign([m.AssignTarget(size)]))

    def _without_packet_size(
        self, assignment: cst.Assign, updated: cst.SimpleStatementLine
    ) -> cst.BaseStatement | cst.RemovalSentinel:
        if code(assignment.value) == "None":
            return cst.RemoveFromParent()
        text = f"# {TODO} V2 has no packet size, batches come as the engine sends them; was: {code(assignment)}"
        comment = cst.EmptyLine(comment=cst.Comment(text))
        return cst.SimpleStatementLine([cst.Pass()], leading_lines=[*updated.leading_lines, comment])

    # --- expressions --------------------------------------------------------------------------------------------------

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        """Rewrite calls of anchors, connections, packets and temporary files."""
        if _is_packet_of_frame(original_node):
            return _table_of_frame(updated_node)
        if m.matches(original_node, m.Call(func=m.Name("len"), args=[m.Arg()])):
            (argument,) = updated_node.args
            counted = self._truth(original_node.args[0].value, argument.value)
            return updated_node.with_changes(args=[argument.with_changes(value=counted)])
        if not isinstance(original_node.func, cst.Attribute) or not isinstance(updated_node.func, cst.Attribute):
            return updated_node
        method, receiver = original_node.func.attr.value, updated_node.func.value
        if method == self._role and m.matches(original_node, m.Call(args=[m.Arg(m.Name(self.connection or "-"))])):
            return self._own_callback_of_base(receiver)
        if method in ("get_output_anchor", "get_input_anchor") and len(updated_node.args) == 1:
            anchors = "outgoing_anchors" if method == "get_output_anchor" else "incoming_anchors"
            return cst.parse_expression(f"{code(receiver)}.{anchors}[{code(updated_node.args[0].value)}]")
        if method == "read" and self._is_connection(original_node.func.value) and self._reads_once:
            return cst.Name(self._batch)
        if method == "to_dataframe" and not original_node.args:
            return cst.parse_expression(f"{code(receiver)}.to_pandas(types_mapper=NULLABLE_TYPES.get)")
        if method == "create_temp_file" and m.matches(receiver, m.Attribute(attr=m.Name("io"))):
            environment = cst.ensure_type(receiver, cst.Attribute).with_changes(attr=cst.Name("environment"))
            return updated_node.with_changes(func=updated_node.func.with_changes(value=environment))
        return self._anchor_called(original_node, updated_node)

    def _own_callback_of_base(self, receiver: cst.BaseExpression) -> cst.BaseExpression:
        if self._role == "on_record_packet":
            return cst.parse_expression(f"{code(receiver)}.on_record_batch({self._batch}, {self._anchor})")
        return cst.parse_expression(f"{code(receiver)}.{self._role}({self._anchor}, {self._metadata})")

    def _anchor_called(self, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
        anchor, method = self._anchor_call(original)
        if anchor is None or not anchor.outgoing:
            return updated
        replacements = {
            "open": (f"{self._provider}.push_outgoing_metadata", anchor.name),
            "write": (f"{self._provider}.write_to_anchor", anchor.name),
            "close": (f"{self._provider}.close_outgoing_anchor", anchor.name),
            "update_progress": (f"{self._provider}.io.update_progress", ""),
        }
        if method not in replacements:
            return updated
        function, first = replacements[method]
        arguments = [argument.with_changes(keyword=None, equal=cst.MaybeSentinel.DEFAULT) for argument in updated.args]
        if first:
            comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")) if arguments else cst.MaybeSentinel.DEFAULT
            arguments.insert(0, cst.Arg(cst.parse_expression(first), comma=comma))
        return updated.with_changes(func=cst.parse_expression(function), args=arguments)

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        """Rewrite what is asked of connections, packets and anchors."""
        attribute = original_node.attr.value
        if self._is_connection(original_node.value):
            if attribute == "name":
                return cst.parse_expression(f"{self._anchor}.connection")
            if attribute == "metadata":
                return self._connection_metadata()
        if attribute == "name" and m.matches(
            original_node.value, m.Attribute(value=m.Name(self.connection or "-"), attr=m.Name("anchor"))
        ):
            return cst.parse_expression(f"{self._anchor}.name")
        if attribute == "metadata" and code(original_node.value) in self._packets:
            return self._connection_metadata()
        anchor = self._facts.anchors.get(code(original_node.value))
        return updated_node if anchor is None else self._of_anchor(anchor, attribute, updated_node)

    def leave_UnaryOperation(
        self, original_node: cst.UnaryOperation, updated_node: cst.UnaryOperation
    ) -> cst.BaseExpression:
        """``not anchor.connections`` asks the dictionary of the connections; ``not … in …`` reads the other way."""
        if m.matches(updated_node, _NOT_OPENED) and not m.matches(original_node, _NOT_OPENED):
            return cst.parse_expression(code(updated_node.expression).strip("()").replace(" in ", " not in ", 1))
        return updated_node.with_changes(expression=self._truth(original_node.expression, updated_node.expression))

    def leave_FormattedString(
        self, original_node: cst.FormattedString, updated_node: cst.FormattedString
    ) -> cst.BaseExpression:
        """Quotes of what was put into an f-string must not be its own before Python 3.12."""
        if '"' not in original_node.start or original_node.deep_equals(updated_node):
            return updated_node
        parts = [
            part.with_changes(expression=cst.parse_expression(code(part.expression).replace('"', "'")))
            if isinstance(part, cst.FormattedStringExpression)
            else part
            for part in updated_node.parts
        ]
        return updated_node.with_changes(parts=parts)

    def leave_If(self, original_node: cst.If, updated_node: cst.If) -> cst.If:
        """``if anchor.connections`` likewise."""
        return updated_node.with_changes(test=self._truth(original_node.test, updated_node.test))

    def _truth(self, original: cst.BaseExpression, updated: cst.BaseExpression) -> cst.BaseExpression:
        return cst.ensure_type(updated, cst.Attribute).value if self._asks_connections(original) else updated

    def _asks_connections(self, node: cst.BaseExpression) -> bool:
        if not m.matches(node, m.Attribute(attr=m.Name("connections"))):
            return False
        anchor = self._facts.anchors.get(code(cst.ensure_type(node, cst.Attribute).value))
        return anchor is not None and not anchor.outgoing

    def _of_anchor(self, anchor: AnchorUse, attribute: str, updated: cst.Attribute) -> cst.BaseExpression:
        if attribute == "name":
            return cst.parse_expression(anchor.name)
        if not anchor.outgoing:
            return updated
        if attribute == "is_open":
            return cst.parse_expression(f"({anchor.name} in {_OPENED})")
        if attribute == "metadata":
            return cst.parse_expression(f"{_OPENED}[{anchor.name}]")
        if attribute == "num_connections":
            return cst.parse_expression(f'{code(updated.value)}["num_connections"]')
        return updated

    def _connection_metadata(self) -> cst.BaseExpression:
        self._asked_metadata = True
        return cst.Name(self._metadata)

    def _with_beginning(self, method: cst.FunctionDef) -> cst.FunctionDef:
        """What ``on_record_batch`` needs first to see what ``on_record_packet`` saw."""
        if self._asked_metadata:
            of_connection = f"incoming_anchors[{self._anchor}.name][{self._anchor}.connection]"
            fields = f'MetadataBuilder.from_protobuf({self._provider}.{of_connection}["metadata"])'
            method = _with_first(method, f"{self._metadata} = {fields}\n")
        return _with_first(method, _NO_ROWS.format(batch=self._batch))

    def _is_connection(self, node: cst.BaseExpression) -> bool:
        return bool(self.connection) and m.matches(node, m.Name(self.connection))

    def _anchor_call(self, call: cst.Call) -> tuple[AnchorUse | None, str]:
        """The anchor that a call is made on, if any, and the method."""
        if not isinstance(call.func, cst.Attribute):
            return None, ""
        receiver, method = call.func.value, call.func.attr.value
        getter = m.Call(func=m.Attribute(attr=m.Name("get_output_anchor")), args=[m.Arg()])
        if m.matches(receiver, getter):
            return AnchorUse(True, code(cst.ensure_type(receiver, cst.Call).args[0].value)), method
        return self._facts.anchors.get(code(receiver)), method

    def _reads(self) -> int:
        """How often the method reads a packet; one in a loop counts as several."""
        reading = m.Call(func=m.Attribute(value=m.Name(self.connection or "-"), attr=m.Name("read")))
        loops = m.findall(self._method, m.While() | m.For())
        return len(m.findall(self._method, reading)) + sum(len(m.findall(loop, reading)) for loop in loops)

    def _packets_read(self) -> set[str]:
        reading = m.Call(func=m.Attribute(value=m.Name(self.connection or "-"), attr=m.Name("read")))
        found = m.findall(self._method, m.Assign(value=reading))
        return {code(t.target) for node in found if isinstance(node, cst.Assign) for t in node.targets}

    def _with_provider_annotation(self, method: cst.FunctionDef) -> cst.FunctionDef:
        this, *rest = method.params.params
        if not rest:
            return method
        annotated = rest[0].with_changes(annotation=cst.Annotation(cst.Name("AMPProviderV2")))
        params = method.params.with_changes(params=[this, annotated, *rest[1:]])
        method = method.with_changes(params=params)
        if self._facts.asks_what_is_open:
            method = _with_first(method, f"{_OPENED}: dict[str, Metadata] = {{}}\n")
        if not self._facts.provider:
            method = _with_first(method, f"self.provider = {self._facts.provider_argument}\n")
        return method


def with_opening(init: cst.FunctionDef, facts: ClassFacts) -> cst.FunctionDef:
    """Let the constructor tell the tool of its connections, at its end."""
    if not facts.opens_connections or not isinstance(init.body, cst.IndentedBlock):
        return init
    if m.findall(init, m.Call(func=m.Attribute(value=m.Call(func=m.Name("super")), attr=m.Name("__init__")))):
        comment = cst.EmptyLine(comment=cst.Comment(_OPENED_BY_BASE))
        return init.with_changes(leading_lines=[*init.leading_lines, comment])
    text = _OPENING.format(anchor="anchor", provider=facts.provider or "self.provider")
    return init.with_changes(body=init.body.with_changes(body=[*init.body.body, cst.parse_statement(text)]))


def missing_callbacks(definition: cst.ClassDef) -> list[cst.BaseStatement]:
    """The callback that V2 has and V1 had not."""
    if any(method.name.value == "on_incoming_connection_complete" for method in methods_of(definition)):
        return []
    completion = cst.ensure_type(cst.parse_statement(_COMPLETION.lstrip()), cst.FunctionDef)
    return [completion.with_changes(leading_lines=[cst.EmptyLine(indent=False)])]


def _is_packet_of_frame(call: cst.Call) -> bool:
    packet = m.Name("RecordPacket") | m.Name("AMPRecordPacket")
    made = m.Call(func=packet) | m.Call(func=m.Attribute(value=packet, attr=m.Name("from_dataframe")))
    keywords = {argument.keyword.value for argument in call.args if argument.keyword}
    return m.matches(call, made) and len(call.args) == 2 and keywords <= {"metadata", "df"}


def _table_of_frame(call: cst.Call) -> cst.BaseExpression:
    by_keyword = {argument.keyword.value: argument.value for argument in call.args if argument.keyword}
    positional = [argument.value for argument in call.args if not argument.keyword]
    metadata = code(by_keyword.get("metadata") or positional.pop(0))
    frame = code(by_keyword.get("df") or positional.pop(0))
    columns = f"[field.name for field in {metadata}]"
    return cst.parse_expression(f"pa.Table.from_pandas({frame}, columns={columns}, preserve_index=False)")


def _in_lines(method: cst.FunctionDef) -> cst.FunctionDef:
    """A method whose body stands behind the colon, with a line for each statement, so that there is room for others."""
    if not isinstance(method.body, cst.SimpleStatementSuite) or is_idle(method):
        return method
    *first, last = method.body.body
    lines = [cst.SimpleStatementLine([part.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)]) for part in first]
    end = cst.SimpleStatementLine(
        [last.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)], trailing_whitespace=method.body.trailing_whitespace
    )
    return method.with_changes(body=cst.IndentedBlock([*lines, end]))


def _with_arguments(method: cst.FunctionDef, arguments: str) -> cst.FunctionDef:
    this = method.params.params[0]
    template = cst.ensure_type(cst.parse_statement(f"def f({code(this.name)}, {arguments}): ..."), cst.FunctionDef)
    return method.with_changes(params=template.params)


def _with_first(method: cst.FunctionDef, text: str) -> cst.FunctionDef:
    """Put a statement at the beginning of a method, behind its docstring."""
    if not isinstance(method.body, cst.IndentedBlock):
        return method
    docstring = m.SimpleStatementLine([m.Expr(m.SimpleString() | m.ConcatenatedString())])
    body = list(method.body.body)
    position = 1 if body and m.matches(body[0], docstring) else 0
    body.insert(position, cst.parse_statement(text))
    return method.with_changes(body=method.body.with_changes(body=body))


def _variables(method: cst.FunctionDef) -> set[str]:
    """The names that a method uses for itself: those of attributes do not count."""
    attributes = [node.attr for node in m.findall(method, m.Attribute()) if isinstance(node, cst.Attribute)]
    names = [node for node in m.findall(method, m.Name()) if isinstance(node, cst.Name)]
    return {name.value for name in names if not any(name is attribute for attribute in attributes)}


def _free(name: str, used: set[str]) -> str:
    """A name that the method does not use for something else."""
    return name if name not in used else f"incoming_{name}"
