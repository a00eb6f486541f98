"""The SDK of PyPI, unmodified: login, records, a VM's life, tasks, events, failures."""
import sys
import time

import XenAPI

url, password = sys.argv[1], sys.argv[2]
session = XenAPI.Session(url)
session.xenapi.login_with_password("root", password, "1.0", "interop")
api = session.xenapi
assert session.API_version.startswith("2."), session.API_version
assert api.session.get_this_user(session._session).startswith("OpaqueRef:")

master = api.pool.get_master(api.pool.get_all()[0])
assert "xapi" in api.host.get_record(master)["software_version"]

template = api.VM.get_by_name_label("Debian Bookworm 12")[0]
vm = api.VM.clone(template, "sdk")
api.VM.provision(vm)
events = getattr(api.event, "from")(["vm"], "", 1.0)
task = api.Async.VM.start(vm, False, True)
while api.task.get_status(task) == "pending":
    time.sleep(0.05)
assert api.task.get_status(task) == "success", api.task.get_error_info(task)
assert api.task.get_created(task).value.endswith("Z")
api.task.destroy(task)
after = getattr(api.event, "from")(["vm"], events["token"], 5.0)
assert vm in [e["ref"] for e in after["events"]]

try:
    api.VM.start(vm, False, True)
    raise AssertionError("a running VM was started")
except XenAPI.Failure as failure:
    assert failure.details == ["VM_BAD_POWER_STATE", vm, "halted", "running"], failure.details
snapshot = api.VM.get_record(vm)
assert snapshot["power_state"] == "Running" and snapshot["resident_on"] in api.host.get_all()

api.VM.hard_shutdown(vm)
api.VM.destroy(vm)
api.session.logout()
