# Written by python -m kedge.compat.stub_files.
from kedge.sdk.constants import Anchor as Anchor
from kedge.sdk.constants import NULL_VALUE_PLACEHOLDER as NULL_VALUE_PLACEHOLDER
from kedge.sdk.constants import AWAIT_TIMEOUT as AWAIT_TIMEOUT
from kedge.sdk.constants import AYX_PROXY_USERNAME_KEY as AYX_PROXY_USERNAME_KEY
from kedge.sdk.constants import AYX_PROXY_PASSWORD_KEY as AYX_PROXY_PASSWORD_KEY
from kedge.sdk.constants import AYX_PROXY_CRED_REQ_KEY as AYX_PROXY_CRED_REQ_KEY

__all__ = ['Anchor', 'NULL_VALUE_PLACEHOLDER', 'AWAIT_TIMEOUT', 'AYX_PROXY_USERNAME_KEY', 'AYX_PROXY_PASSWORD_KEY', 'AYX_PROXY_CRED_REQ_KEY']
