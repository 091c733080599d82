"""What the rewriting could not decide: each place gets a comment that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import libcst as cst
from libcst import matchers as m

from kedge.workspace.migrate.facts import code
from kedge.workspace.migrate.report import TODO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kedge.workspace.migrate.facts import AnchorUse

__all__ = ["with_todos"]

S = TypeVar("S", cst.FunctionDef, cst.SimpleStatementLine, cst.If, cst.For, cst.While, cst.With)

_CONNECTION: Final = "V2 has no connection objects: callbacks get an Anchor (name, connection)"
_NAMES: Final = {
    "RecordPacket": "V2 has no packets: pass a pyarrow Table on, and write it with provider.write_to_anchor",
    "AMPRecordPacket": "V2 has no packets: pass a pyarrow Table on, and write it with provider.write_to_anchor",
    "InputConnectionBase": _CONNECTION,
    "AMPInputConnection": _CONNECTION,
    "InputAnchorBase": "V2 has no anchor objects: see provider.incoming_anchors",
    "AMPInputAnchor": "V2 has no anchor objects: see provider.incoming_anchors",
    "OutputAnchorBase": "V2 has no anchor objects: see provider.outgoing_anchors",
    "AMPOutputAnchor": "V2 has no anchor objects: see provider.outgoing_anchors",
    "input_connection": _CONNECTION,
}
_ATTRIBUTES: Final = {
    "max_packet_size": "V2 has no packet size: batches come as the engine sends them",
    "on_record_packet": "the callback is called on_record_batch(batch, anchor) now",
    "get_input_anchor": "V2 has provider.incoming_anchors[name], a dict of connections",
    "get_output_anchor": "V2 has provider.outgoing_anchors[name], a dict",
    "from_dataframe": "V2 has no packets: write pa.Table.from_pandas(df, preserve_index=False)",
}
_ANCHOR: Final = (
    "an anchor is a dict now, {'name', 'metadata', 'num_connections'} or, incoming, one of its connections: what is "
    "done with it elsewhere goes through provider.push_outgoing_metadata, write_to_anchor and close_outgoing_anchor"
)
_SUBSCRIPT: Final = m.Subscript(value=m.Attribute(attr=m.Name("outgoing_anchors")))
_HANDED_ON: Final = (
    m.Arg() | m.Assign() | m.AnnAssign() | m.Element() | m.DictElement() | m.Return() | m.NamedExpr() | m.ListComp()
)
"""Where an anchor may go to places that this module cannot follow."""

_DCM: Final = "provider.dcm takes a callback in V2 and returns nothing: move what follows into the callback"
_SHARED_FRAME: Final = (
    "in V1 the frame of a packet was the packet's own: if it is changed here, write "
    "pa.Table.from_pandas(frame, preserve_index=False) in the place of {packet}"
)


def with_todos(
    module: cst.Module, anchors: Mapping[str, AnchorUse], connections: Mapping[tuple[str, str], str]
) -> cst.Module:
    """The module with a comment above each statement in which something of V1 is left.

    ``anchors`` are the expressions that hold anchors (``self.output_anchor``), ``connections`` the names that the old
    callbacks had for their connection, by the class and the new callback.
    """
    return cst.ensure_type(module.visit(_Commenter(anchors, connections)), cst.Module)


class _Commenter(cst.CSTTransformer):
    """Comments on statements, each by what is in its own lines."""

    def __init__(self, anchors: Mapping[str, AnchorUse], connections: Mapping[tuple[str, str], str]) -> None:
        super().__init__()
        self._anchors = anchors
        self._connections = connections
        self._classes: list[str] = []
        self._functions: list[str] = []
        self._outgoing = {held for held, anchor in anchors.items() if anchor.outgoing}
        self._shared: list[set[str]] = []

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self._classes.append(node.name.value)

    def leave_ClassDef(self, original_node: cst.ClassDef, updated_node: cst.ClassDef) -> cst.ClassDef:  # noqa: ARG002
        self._classes.pop()
        return updated_node

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._shared.append(_shared_packets(node))
        self._functions.append(node.name.value)

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        commented = _commented(updated_node, self._head_reasons(original_node.params, original_node.body))
        self._shared.pop()
        self._functions.pop()
        return commented

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine:
        if m.matches(original_node, m.SimpleStatementLine([m.Import() | m.ImportFrom()])):
            return updated_node
        return _commented(updated_node, [*self._reasons(original_node), *self._changed_frames(original_node)])

    def leave_If(self, original_node: cst.If, updated_node: cst.If) -> cst.If:
        return _commented(updated_node, self._head_reasons(original_node.test, original_node.body))

    def leave_For(self, original_node: cst.For, updated_node: cst.For) -> cst.For:
        return _commented(updated_node, self._head_reasons(original_node.iter, original_node.body))

    def leave_While(self, original_node: cst.While, updated_node: cst.While) -> cst.While:
        return _commented(updated_node, self._head_reasons(original_node.test, original_node.body))

    def leave_With(self, original_node: cst.With, updated_node: cst.With) -> cst.With:
        reasons = (reason for item in original_node.items for reason in self._head_reasons(item, original_node.body))
        return _commented(updated_node, reasons)

    def _head_reasons(self, head: cst.CSTNode, body: cst.BaseSuite) -> Iterator[str]:
        """Those of a compound statement's own line, on which its body may stand too."""
        yield from self._reasons(head)
        if isinstance(body, cst.SimpleStatementSuite):
            yield from self._reasons(body)

    def _reasons(self, node: cst.CSTNode) -> Iterator[str]:
        attributes = [each.attr for each in m.findall(node, m.Attribute()) if isinstance(each, cst.Attribute)]
        for found in m.findall(node, m.Name() | m.Attribute() | _HANDED_ON | _SUBSCRIPT):
            if isinstance(found, cst.Name):
                is_old = found.value == self._old_connection() and not any(found is each for each in attributes)
                reason = _CONNECTION if is_old else _NAMES.get(found.value)
            elif isinstance(found, cst.Attribute):
                reason = _DCM if _is_of_dcm(found) else _ATTRIBUTES.get(found.attr.value)
                reason = reason or self._of_anchor(found)
            else:
                reason = _ANCHOR if self._hands_anchor_on(found) else None
            if reason:
                yield reason

    def _old_connection(self) -> str | None:
        inside = self._classes and self._functions
        return self._connections.get((self._classes[-1], self._functions[-1])) if inside else None

    def _of_anchor(self, node: cst.Attribute) -> str | None:
        return _ANCHOR if code(node.value) in self._anchors else None

    def _hands_anchor_on(self, node: cst.CSTNode) -> bool:
        value = getattr(node, "value", None) or getattr(node, "elt", None)
        if value is None:
            return False
        if code(value) in self._outgoing:
            return not isinstance(node, cst.Subscript)
        return not isinstance(node, cst.Assign | cst.AnnAssign | cst.Subscript) and m.matches(value, _SUBSCRIPT)

    def _changed_frames(self, statement: cst.SimpleStatementLine) -> Iterator[str]:
        for packet in self._shared[-1] if self._shared else ():
            written = m.Call(
                func=m.Attribute(attr=m.Name("write_to_anchor")), args=[m.ZeroOrMore(), m.Arg(m.Name(packet))]
            )
            if m.findall(statement, written):
                yield _SHARED_FRAME.format(packet=packet)


def _commented(node: S, reasons: Iterable[str]) -> S:
    lines: list[cst.EmptyLine] = [
        cst.EmptyLine(comment=cst.Comment(f"# {TODO} {reason}")) for reason in dict.fromkeys(reasons)
    ]
    return node.with_changes(leading_lines=[*node.leading_lines, *lines])


def _is_of_dcm(node: cst.Attribute) -> bool:
    return m.matches(node.value, m.Attribute(attr=m.Name("dcm")))


def _shared_packets(function: cst.FunctionDef) -> set[str]:
    """The variables that are turned into a frame and may be written as well."""
    framed = m.Call(func=m.Attribute(value=m.Name(), attr=m.Name("to_pandas")))
    return {
        code(cst.ensure_type(cst.ensure_type(call, cst.Call).func, cst.Attribute).value)
        for call in m.findall(function, framed)
    }
