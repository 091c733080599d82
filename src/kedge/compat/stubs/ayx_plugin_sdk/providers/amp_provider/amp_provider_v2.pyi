# Written by python -m kedge.compat.stub_files.
from kedge.sdk.provider import AMPProviderV2 as AMPProviderV2

__all__ = ['AMPProviderV2']
