# Written by python -m kedge.compat.stub_files.
from kedge.compat.bases import EnvironmentBase as EnvironmentBase
from kedge.sdk.constants import UpdateMode as UpdateMode
from kedge.sdk.fields import Locale as Locale

__all__ = ['EnvironmentBase', 'UpdateMode', 'Locale']
