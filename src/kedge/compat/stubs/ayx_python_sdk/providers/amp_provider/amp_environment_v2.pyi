# Written by python -m kedge.compat.stub_files.
from kedge.sdk.environment import AMPEnvironmentV2 as AMPEnvironmentV2

__all__ = ['AMPEnvironmentV2']
