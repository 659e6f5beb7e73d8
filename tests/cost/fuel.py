"""Repeats records of record.mjs in wasmtime and counts the fuel that the calls of a client's request
take: one unit an instruction, the same on every machine.

    fuel.py MODULE RECORD...        a line "RECORD FUEL" each
"""
import json
import sys

import wasmtime

# What a request, an event or a refusal goes through. What makes the gateway is not counted.
COUNTED = {"open", "req_head", "req_body", "res_head", "res_body", "res_end", "res_fail", "tick",
           "gone", "poll", "close", "ready", "may_drop"}
PLENTY = 1 << 60


def fuel_of(engine, module, steps):
    store = wasmtime.Store(engine)
    store.set_fuel(PLENTY)
    exports = wasmtime.Instance(store, module, []).exports(store)
    memory = exports["memory"]
    input_at = total = 0
    for name, *args in steps:
        if name is None:
            memory.write(store, args[0].encode("latin-1"), input_at)
            continue
        kinds = exports[name].type(store).params
        typed = [float(a) if str(k) == "f64" else int(a) for a, k in zip(args, kinds)]
        before = store.get_fuel()
        result = exports[name](store, *typed)
        if name == "input":
            input_at = result
        if name in COUNTED:
            total += before - store.get_fuel()
    return total


def main():
    config = wasmtime.Config()
    config.consume_fuel = True
    engine = wasmtime.Engine(config)
    module = wasmtime.Module.from_file(engine, sys.argv[1])
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as record:
            print(path, fuel_of(engine, module, json.load(record)))


main()
