# Written by python -m kedge.compat.stub_files.
from ayx_python_sdk.providers.amp_provider import amp_provider_v2 as amp_provider_v2
from ayx_python_sdk.providers.amp_provider import amp_environment_v2 as amp_environment_v2
from ayx_python_sdk.providers.amp_provider import builders as builders
from ayx_python_sdk.providers.amp_provider import __main__ as __main__
from kedge.sdk.provider import AMPProviderV2 as AMPProviderV2
from kedge.sdk.environment import AMPEnvironmentV2 as AMPEnvironmentV2
from kedge.compat.v1.provider import AMPProvider as AMPProvider
from kedge.compat.v1.provider import AMPEnvironment as AMPEnvironment
from kedge.compat.v1.provider import AMPIO as AMPIO
from kedge.compat.v1.input_anchor import AMPInputAnchor as AMPInputAnchor
from kedge.compat.v1.input_anchor import AMPInputConnection as AMPInputConnection
from kedge.compat.v1.output_anchor import AMPOutputAnchor as AMPOutputAnchor
from kedge.compat.v1.packets import AMPRecordPacket as AMPRecordPacket

__all__ = ['AMPProviderV2', 'AMPEnvironmentV2', 'AMPProvider', 'AMPEnvironment', 'AMPIO', 'AMPInputAnchor', 'AMPInputConnection', 'AMPOutputAnchor', 'AMPRecordPacket']
