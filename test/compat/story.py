"""The main job with nothing but Python's own XML-RPC client: what XenAPI.py does beneath."""
import sys
import xmlrpc.client

url, password = sys.argv[1], sys.argv[2]
server = xmlrpc.client.ServerProxy(url)


def call(method, *params):
    answer = getattr(server, method)(*params)
    if answer["Status"] == "Success":
        return answer["Value"]
    raise RuntimeError(*answer["ErrorDescription"])


assert "VM.start" in server.system.listMethods()
session = call("session.login_with_password", "root", password, "1.0", "python")
pool = call("pool.get_all_records", session)
assert len(pool) == 1
records = call("VM.get_all_records", session)
template = next(ref for ref, vm in records.items() if vm["is_a_template"] and vm["name_label"] == "Rocky Linux 9")
assert records[template]["memory_static_max"] == str(4 * 1024**3), "integers are strings in XML-RPC"
vm = call("VM.clone", session, template, "python")
call("VM.provision", session, vm)
print(call("VM.get_power_state", session, vm))
task = call("Async.VM.start", session, vm, False, False)
token = ""
while call("task.get_status", session, task) == "pending":
    batch = call("event.from", session, ["task/" + task], token, 5.0)
    token = batch["token"]
call("task.destroy", session, task)
print(call("VM.get_power_state", session, vm))
call("VM.hard_shutdown", session, vm)
print(call("VM.get_power_state", session, vm))
try:
    call("VM.unpause", session, vm)
except RuntimeError as error:
    print(error.args[0])
call("VM.destroy", session, vm)
try:
    call("VM.get_record", session, vm)
except RuntimeError as error:
    print(error.args[0])
call("session.logout", session)
