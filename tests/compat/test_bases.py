"""The abstract classes of the other SDK hold for Kedge's objects, and can be derived from."""

import pytest

from kedge.compat import bases
from kedge.compat.v1.dcm import AMPDCM
from kedge.compat.v1.input_anchor import AMPInputAnchor, AMPInputConnection
from kedge.compat.v1.output_anchor import AMPOutputAnchor
from kedge.compat.v1.packets import RecordPacket
from kedge.compat.v1.provider import AMPIO, AMPProvider
from kedge.sdk.dcm import AMPDCMV2
from kedge.sdk.environment import AMPEnvironmentV2
from kedge.sdk.io import AMPIOV2
from kedge.sdk.provider import AMPProviderV2


@pytest.mark.parametrize(
    ("derived", "base"),
    [
        (AMPProviderV2, bases.ProviderBase),
        (AMPProvider, bases.ProviderBase),
        (AMPEnvironmentV2, bases.EnvironmentBase),
        (AMPIOV2, bases.IoBase),
        (AMPIO, bases.IoBase),
        (AMPDCMV2, bases.DcmBase),
        (AMPDCM, bases.DcmBase),
        (AMPInputAnchor, bases.InputAnchorBase),
        (AMPInputConnection, bases.InputConnectionBase),
        (AMPOutputAnchor, bases.OutputAnchorBase),
        (RecordPacket, bases.RecordPacketBase),
    ],
)
def test_isinstance_holds(derived: type, base: type) -> None:
    assert issubclass(derived, base)


@pytest.mark.parametrize("name", [name for name in bases.__all__ if name.endswith("Base")])
def test_a_base_alone_cannot_be_made(name: str) -> None:
    with pytest.raises(TypeError, match="abstract"):
        getattr(bases, name)()


def test_what_came_later_is_not_asked_of_older_classes() -> None:
    class Quiet(bases.IoBase):
        def error(self, msg: str, *args: object) -> None: ...
        def warn(self, msg: str, *args: object) -> None: ...
        def info(self, msg: str, *args: object) -> None: ...
        def update_progress(self, percent: float) -> None: ...
        def translate_msg(self, msg: str, *args: object) -> str:
            return msg

    with pytest.raises(NotImplementedError):
        Quiet().create_temp_file()
