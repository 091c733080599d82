# Written by python -m kedge.compat.stub_files.
from kedge.compat.testing import SdkToolTestService as SdkToolTestService
from kedge.compat.testing import BatchTuple as BatchTuple
from kedge.compat.testing import MAPPING as MAPPING

__all__ = ['SdkToolTestService', 'BatchTuple', 'MAPPING']
