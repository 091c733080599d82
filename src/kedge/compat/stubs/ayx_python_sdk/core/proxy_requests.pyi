# Written by python -m kedge.compat.stub_files.
from kedge.compat.proxy_requests import create_proxied_session as create_proxied_session

__all__ = ['create_proxied_session']
