"""Writes XenServer's Go SDK as its publisher's generator does: from the templates of xapi's sources and the facts of libs/model.

The package is published as a download only, which no registry serves. Usage: go_sdk.py FACTS SDK_GEN_GO OUTPUT"""
import json
import re
import shutil
import sys
from pathlib import Path

import chevron

facts, source, output = (Path(argument) for argument in sys.argv[1:4])
ACRONYMS = set("id ip vm api uuid cpu tls https url db xml eof ssh".split())
SIMPLE = {"string": "string", "int": "int", "float": "float64", "bool": "bool", "datetime": "time.Time"}
load = lambda name: json.loads((facts / name).read_text())
enums = load("enums.json")
classes = load("classes.json")


def camel(name, internal=False):
    capital = lambda word: word.upper() if word in ACRONYMS else word[:1].upper() + word[1:]
    words = re.split("[_-]", name)
    return words[0].lower() + "".join(map(capital, words[1:])) if internal else "".join(map(capital, words))


def lower_first(text):
    return text[:1].lower() + text[1:]


def enclosed(text):
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position == len(text) - 1 and text.startswith("(")
    return False


def arrow(text):
    """The position of the arrow between the key and the value of a map."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and text.startswith("->", position):
            return position
    raise ValueError(text)


def parse(text):
    text = text.strip()
    while enclosed(text):
        text = text[1:-1].strip()
    if text.endswith(" map"):
        inner = text[:-4].strip()
        inner = inner[1:-1] if enclosed(inner) else inner
        middle = arrow(inner)
        return ("map", parse(inner[:middle]), parse(inner[middle + 2 :]))
    for kind in ("set", "option"):
        if text.endswith(" " + kind):
            return (kind, parse(text[: -len(kind) - 1]))
    for kind in ("ref", "record"):
        if text.endswith(" " + kind):
            return (kind, text[: -len(kind) - 1].strip())
    if text == "event batch":
        return ("set", ("record", "event"))
    if text in SIMPLE:
        return (text,)
    if text in ("secret", "secret string"):
        return ("string",)
    name = text.removeprefix("enum ")
    if name in enums:
        return ("enum", name)
    raise ValueError(f"type {text}")


def suffix(kind, *of):
    if kind in SIMPLE:
        return "Time" if kind == "datetime" else kind.capitalize()
    if kind == "map":
        return f"{suffix(*of[0])}To{suffix(*of[1])}Map"
    if kind == "set":
        return suffix(*of[0]) + "Set"
    if kind == "option":
        return suffix(*of[0])
    return {"enum": "Enum{}", "ref": "{}Ref", "record": "{}Record"}[kind].format(camel(of[0]))


def golang(kind, *of):
    if kind in SIMPLE:
        return SIMPLE[kind]
    if kind == "map":
        return f"map[{golang(*of[0])}]{golang(*of[1])}"
    if kind == "set":
        return "[]" + golang(*of[0])
    if kind == "option":
        return "Option" + suffix(*of[0])
    return {"enum": "{}", "ref": "{}Ref", "record": "{}Record"}[kind].format(camel(of[0]))


def render(template, values, change=lambda text: text):
    """chevron escapes for HTML where the templates' own renderer does not."""
    text = re.sub(r"\{\{(?![#/^{!])\s*([^}]+?)\s*\}\}(?!\})", r"{{{\1}}}", change((source / "templates" / template).read_text()))
    return chevron.render(text, values)


def write(name, modules, *parts):
    imports = {"import": True, "items": [{"name": module, "sname": None} for module in modules]}
    header = render("FileHeader.mustache", {"licence": "", "modules": imports if modules else None})
    (output / name).write_text("\n".join([header, *parts]) + "\n")


def enum_items(name):
    return [{"value": value, "name": camel(name) + camel(value), "type": camel(name), "doc": None} for value in enums[name]]


fields_of = {c["name"]: [(f[0], parse(f[1])) for f in c["fields"] if "<class>" not in f[1]] for c in classes}


def closure(kind, found):
    """The type and whatever it is made of: each has a function of its own."""
    if kind in found:
        return
    found.add(kind)
    parts = [of for _, of in fields_of[kind[1]]] if kind[0] == "record" else [of for of in kind[1:] if isinstance(of, tuple)]
    for part in parts:
        closure(part, found)


def record_field(name, kind):
    exported = camel(name)
    names = {"name": name, "name_internal": lower_first(exported), "name_exported": exported}
    return {**names, "func_name_suffix": suffix(*kind), "type_option": kind[0] == "option"}


EVENT_SNAPSHOT = record_field("snapshot", ("record", "interface"))
EVENT_SNAPSHOT["func_name_suffix"] = "RecordInterface"


def conversion(kind, direction):
    name, *of = kind
    values = {"func_name_suffix": suffix(*kind), "type": golang(*kind)}
    template = {"string": "SimpleType", "bool": "SimpleType", "datetime": "Time"}.get(name, name.capitalize())
    if name == "set":
        values.update(type=golang(*of[0]), item_func_suffix=suffix(*of[0]))
    elif name == "map":
        values.update(key_type=suffix(*of[0]), value_type=suffix(*of[1]))
    elif name == "enum":
        values.update(items=enum_items(of[0]))
    elif name == "record":
        values["fields"] = [EVENT_SNAPSHOT] * (of[0] == "event") + [record_field(*field) for field in fields_of[of[0]]]
    return render(f"Convert{template}.mustache", {direction: [values]})


def parameter(name, kind, of_session):
    internal = camel(name, True)
    internal = {"type": "typeKey", "interface": "inter"}.get(internal, internal)
    is_session = name == "session_id"
    return {
        **{"type": golang(*kind), "name": name, "name_internal": internal, "func_name_suffix": suffix(*kind)},
        "name_in_serialize_call": ("class.ref" if of_session else "session.ref") if is_session else internal,
        "declared": "session *Session" if is_session else f"{internal} {golang(*kind)}",
    }


WITHOUT_SESSION = ("login_with_password", "slave_local_login_with_password")
serialized, deserialized = set(), {("record", "event")}


def message(cls, internal, name, params, result, is_async):
    of_session = cls == "session"
    kinds = [(p[0], parse(p[1])) for p in params]
    if not (of_session and name in WITHOUT_SESSION):
        kinds.insert(0, ("session_id", ("ref", "session")))
    result = None if result in (None, "void") else parse(result)
    for _, kind in kinds:
        closure(kind, serialized)
    if result:
        closure(result, deserialized)
    given = [parameter(*kind, of_session) for kind in kinds]
    declared = [p["declared"] for p in given if not (of_session and p["name"] == "session_id")]
    batch = {"type": "EventBatch", "func_name_suffix": "EventBatch"}
    answer = result and {"type": golang(*result), "func_name_suffix": suffix(*result)}
    return {
        **{"method_name": name, "class_name": cls, "class_internal": internal, "method_name_exported": camel(name)},
        **{"description": None, "version": None, "errors": None, "has_error": False, "async": is_async},
        **{"params": given, "func_params": ", ".join(declared), "result": batch if (cls, name) == ("event", "from") else answer},
        **{"session_login": of_session and name in WITHOUT_SESSION, "session_logout": of_session and name in ("logout", "local_logout")},
    }


def has_time(kind):
    return kind[0] == "datetime" or any(has_time(of) for of in kind[1:] if isinstance(of, tuple))


def write_class(cls):
    name, fields = cls["name"], fields_of[cls["name"]]
    internal = lower_first(camel(name)) if camel(name, True) == camel(name) else camel(name, True)
    messages = [message(name, internal, m[0], m[1], m[2], m[4]) for m in cls["messages"] if "<class>" not in (m[2] or "")]
    shown = [{"name": camel(f), "json_name": f, "description": None, "type": golang(*kind)} for f, kind in fields]
    if name == "event":
        shown.insert(0, {"name": "Snapshot", "json_name": "snapshot", "description": None, "type": "RecordInterface"})
    of_session = name == "session"
    values = {"name": camel(name), "name_internal": internal, "fields": shown, "description": None}
    values.update(event=name == "event", session=of_session, messages=messages)
    used = [kind for _, kind in fields] + [parse(p[1]) for m in cls["messages"] for p in m[1]]
    used += [parse(m[2]) for m in cls["messages"] if m[2] not in (None, "void") and "<class>" not in m[2]]
    options = sorted({kind[1] for _, kind in fields if kind[0] == "option"})
    written = [{"type": golang(*kind), "type_name_suffix": suffix(*kind)} for kind in options]
    methods = render(
        "SessionMethod.mustache" if of_session else "Methods.mustache",
        values,
        # One name has a meaning for the class and another for its messages.
        lambda text: text.replace("func ({{name_internal}})", "func ({{class_internal}})"),
    )
    modules = ["fmt"] * bool(messages) + ["time"] * any(map(has_time, used))
    write(name.lower() + ".go", modules, render("Option.mustache", {"option": written}), render("Record.mustache", values), methods)


def write_conversions():
    parts = sorted(conversion(kind, "serialize") for kind in serialized) + sorted(conversion(kind, "deserialize") for kind in deserialized)
    elements = [("token", ("string",)), ("validRefCounts", ("map", ("string",), ("int",))), ("events", ("set", ("record", "event")))]
    batch = {"func_name_suffix": "EventBatch", "type": "EventBatch", "elements": [record_field(*element) for element in elements]}
    batch["elements"][1].update(name_exported="ValidRefCounts")
    parts.append(render("ConvertBatch.mustache", {"deserialize": [batch]}))
    parts.append(render("ConvertInterface.mustache", {"deserialize": [{"func_name_suffix": "RecordInterface", "type": "RecordInterface"}]}))
    write("convert.go", ["fmt", "math", "reflect", "strconv", "time"], *parts)


def write_names():
    coded = [{"name": camel(code.lower()), "value": code} for code in load("errors.json")]
    write("api_errors.go", [], render("APIErrors.mustache", {"api_errors": coded}))
    versions = [{"branding": "", "code_name": "", "version_major": 2, "version_minor": minor, "first": minor == 0} for minor in range(24)]
    write("api_versions.go", ["errors", "fmt"], render("APIVersions.mustache", {"releases": versions, "latest_version_index": len(versions)}))
    write("enums.go", [], render("Enum.mustache", {"enums": [{"name": camel(name), "values": enum_items(name)} for name in enums]}))


output.mkdir(parents=True, exist_ok=True)
for file in ("go.mod", "jsonrpc_client.go"):
    shutil.copy(source / "autogen" / "src" / file, output / file)
for message_set in (("set", ("record", "event")), ("map", ("string",), ("int",))):
    closure(message_set, deserialized)
deserialized.discard(("record", "event"))
closure(("record", "event"), deserialized)
write_names()
for cls in classes:
    write_class(cls)
write_conversions()
