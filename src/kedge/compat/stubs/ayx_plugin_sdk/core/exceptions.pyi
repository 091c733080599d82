# Written by python -m kedge.compat.stub_files.
from kedge.exceptions import WorkflowRuntimeError as WorkflowRuntimeError
from kedge.exceptions import AnchorNotFoundException as AnchorNotFoundException
from kedge.exceptions import DcmEError as DcmEError
from kedge.exceptions import DcmEException as DcmEException

__all__ = ['WorkflowRuntimeError', 'AnchorNotFoundException', 'DcmEError', 'DcmEException']
