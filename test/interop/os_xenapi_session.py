"""The session class of OpenStack's client. Its check of a dom0 plugin unpickles text, which no Python 3 does; that alone is left out."""
import sys

from os_xenapi.client import session


class Session(session.XenAPISession):
    def _verify_plugin_version(self):
        pass


url, password = sys.argv[1], sys.argv[2]
plane = Session(url, "root", password)
assert plane.product_brand and plane.product_version[0] >= 8, (plane.product_brand, plane.product_version)
domains = plane.call_xenapi("VM.get_all_records_where", 'field "is_control_domain"="true" and not field "power_state"="Halted"')
assert len(domains) == 3, len(domains)
assert plane.VM.get_all_records().keys() >= domains.keys()
